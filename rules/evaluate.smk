# Predict, score, compare: three rules, so that rescoring needs no accelerator; and the originals' claims beside it all.


rule predict:
    """Greedy completions and letter log-likelihoods of one stage on one split."""
    input:
        base=lambda w: PLAN.base_file(w.study),
        checkpoint=lambda w: PLAN.own_checkpoint(w.study, w.stage, w.seed),
        data=f"{STUDY}/data/{{split}}.jsonl",
        code=lambda w: PLAN.prediction_code(w.study),
    output:
        predictions=f"{EVAL}/predictions.jsonl",
    log:
        f"{LOGS}/predict/{{study}}-{{backend}}-{{stage}}-seed{{seed}}-{{split}}.log",
    benchmark:
        f"{BENCHMARKS}/predict/{{study}}-{{backend}}-{{stage}}-seed{{seed}}-{{split}}.tsv"
    conda:
        PREDICTOR_ENV
    threads: lambda w: PLAN.studies[w.study].train_threads
    resources:
        accelerator=1,
    params:
        config=lambda w: PLAN.predict_config(w.study, w.stage, w.seed, w.split),
        checkpoint=lambda w, input: folder_option("--checkpoint", input.checkpoint),
    shell:
        "export OMP_NUM_THREADS={threads}; python scripts/predict.py --config {params.config:q} --base {input.base} "
        "{params.checkpoint} --data {input.data} --output {output.predictions} 2>&1 | tee {log}"


rule score:
    """One verdict a prediction, and the metrics with their intervals."""
    input:
        data=f"{STUDY}/data/{{split}}.jsonl",
        predictions=f"{EVAL}/predictions.jsonl",
        code=lambda w: PLAN.code("score", w.study),
    output:
        scores=f"{EVAL}/scores.jsonl",
        metrics=f"{EVAL}/metrics.json",
    log:
        f"{LOGS}/score/{{study}}-{{backend}}-{{stage}}-seed{{seed}}-{{split}}.log",
    benchmark:
        f"{BENCHMARKS}/score/{{study}}-{{backend}}-{{stage}}-seed{{seed}}-{{split}}.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        config=lambda w: PLAN.score_config(w.study, w.stage),
        folder=subpath(output.metrics, parent=True),
    shell:
        "python scripts/score.py --config {params.config:q} --data {input.data} --predictions {input.predictions} "
        "--output {params.folder} 2>&1 | tee {log}"


rule compare_stages:
    """Stages against base, parent and baselines: paired tests, intervals, the published numbers, one console table."""
    input:
        metrics=lambda w: PLAN.evaluations(w.study, "metrics.json"),
        scores=lambda w: PLAN.evaluations(w.study, "scores.jsonl"),
        data=lambda w: [PLAN.split_file(w.study, split) for split in PLAN.splits(w.study)],
        published=lambda w: PLAN.published_file(w.study),
        code=lambda w: PLAN.code("compare_stages", w.study),
    output:
        results=f"{STUDY}/eval_results.json",
        tables=[f"{STUDY}/tables/{name}.csv" for name in TABLES],
    log:
        f"{LOGS}/compare_stages/{{study}}.log",
    benchmark:
        f"{BENCHMARKS}/compare_stages/{{study}}.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        config=lambda w: PLAN.compare_config(w.study),
        data=f"{STUDY}/data",
        evaluations=lambda w: f"{PLAN.study_folder(w.study)}/eval/{PLAN.backend(w.study)}",
        folder=subpath(output.results, parent=True),
    shell:
        "python scripts/compare_stages.py --config {params.config:q} --eval {params.evaluations} --data {params.data} "
        "--output {params.folder} 2>&1 | tee {log}"


rule check_claims:
    """What the original studies claim, tested with the numbers they printed, and what this run found beside it."""
    input:
        published=PLAN.claims_sources(),
        results=list(PLAN.claims_results().values()),
        code=PLAN.code("check_claims"),
    output:
        claims=f"{R}/{CLAIMS}",
        table=f"{R}/{CLAIMS_TABLE}",
    log:
        f"{LOGS}/check_claims.log",
    benchmark:
        f"{BENCHMARKS}/check_claims.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        results=lambda _: PLAN.claims_config(),
    shell:
        "python scripts/check_claims.py --results {params.results:q} --output-json {output.claims} "
        "--output-csv {output.table} 2>&1 | tee {log}"


rule compare_results:
    """This run beside an older copy of its results: what changed, and whether it is significant. In no manifest."""
    input:
        before=older_results,
        after=f"{R}/manifest.json",
        code=[PLAN.code("compare_results", study) for study in PLAN.trained] or PLAN.code("compare_results"),
    output:
        comparison=f"{R}/comparison.json",
        table=f"{R}/comparison.csv",
    log:
        f"{LOGS}/compare_results.log",
    benchmark:
        f"{BENCHMARKS}/compare_results.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        before=subpath(input.before, parent=True),
        after=subpath(input.after, parent=True),
    shell:
        "python scripts/compare_results.py {params.before:q} {params.after} --output {params.after} 2>&1 | tee {log}"

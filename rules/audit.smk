# Audits: rows with swapped patients, answered and scored as any other; then all audits from files alone.
from primum.audits.plan import audit_config, asked_split, pretraining_files, swapped_evaluations, swaps_config

SWAPPED = f"{STUDY}/audits/{{backend}}/{{stage}}/seed{{seed}}"


checkpoint write_swaps:
    """The first evaluated split with the patients' other sex, and with another age; a checkpoint, since rows may name neither."""
    input:
        data=lambda w: asked_split(PLAN, w.study),
        code=lambda w: PLAN.code("write_swaps", w.study),
    output:
        rows=f"{STUDY}/audits/swapped.jsonl",
        record=f"{STUDY}/audits/swaps.json",
    log:
        f"{LOGS}/write_swaps/{{study}}.log",
    benchmark:
        f"{BENCHMARKS}/write_swaps/{{study}}.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        config=lambda w: swaps_config(PLAN, w.study),
        folder=subpath(output.rows, parent=True),
    shell:
        "python scripts/write_swaps.py --config {params.config:q} --data {input.data} --output {params.folder} 2>&1 | tee {log}"


use rule predict as predict_swapped with:
    input:
        base=lambda w: PLAN.base_file(w.study),
        checkpoint=lambda w: PLAN.own_checkpoint(w.study, w.stage, w.seed),
        data=f"{STUDY}/audits/swapped.jsonl",
        code=lambda w: PLAN.prediction_code(w.study),
    output:
        predictions=f"{SWAPPED}/predictions.jsonl",
    log:
        f"{LOGS}/predict_swapped/{{study}}-{{backend}}-{{stage}}-seed{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/predict_swapped/{{study}}-{{backend}}-{{stage}}-seed{{seed}}.tsv"
    params:
        config=lambda w: PLAN.predict_config(w.study, w.stage, w.seed, "swapped"),
        checkpoint=lambda w, input: folder_option("--checkpoint", input.checkpoint),


use rule score as score_swapped with:
    input:
        data=f"{STUDY}/audits/swapped.jsonl",
        predictions=f"{SWAPPED}/predictions.jsonl",
        code=lambda w: PLAN.code("score", w.study),
    output:
        scores=f"{SWAPPED}/scores.jsonl",
        metrics=f"{SWAPPED}/metrics.json",
    log:
        f"{LOGS}/score_swapped/{{study}}-{{backend}}-{{stage}}-seed{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/score_swapped/{{study}}-{{backend}}-{{stage}}-seed{{seed}}.tsv"


rule audit_study:
    """Reward hacking, contamination, risk and abstention, subgroups, and what swapped patients change."""
    input:
        results=f"{STUDY}/eval_results.json",
        metrics=lambda w: PLAN.evaluations(w.study, "metrics.json"),
        scores=lambda w: PLAN.evaluations(w.study, "scores.jsonl"),
        predictions=lambda w: PLAN.evaluations(w.study, "predictions.jsonl"),
        history=lambda w: PLAN.stage_files(w.study, "train_log.jsonl"),
        data=lambda w: [PLAN.split_file(w.study, split) for split in PLAN.splits(w.study)],
        pretraining=lambda w: pretraining_files(PLAN, w.study),
        swaps=f"{STUDY}/audits/swaps.json",
        swapped=lambda w: swapped_evaluations(PLAN, w.study, checkpoints.write_swaps.get(study=w.study).output.rows),
        code=lambda w: PLAN.code("audit_study", w.study),
    output:
        audits=f"{STUDY}/audits.json",
        tables=[f"{STUDY}/tables/{name}.csv" for name in AUDIT_TABLES],
    log:
        f"{LOGS}/audit_study/{{study}}.log",
    benchmark:
        f"{BENCHMARKS}/audit_study/{{study}}.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        config=lambda w: audit_config(PLAN, w.study),
        backend=lambda w: PLAN.backend(w.study),
        folder=subpath(output.audits, parent=True),
    shell:
        "python scripts/audit_study.py --config {params.config:q} --backend {params.backend} --folder {params.folder} 2>&1 | tee {log}"

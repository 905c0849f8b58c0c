# Deployments: a stage asked with another prompt, or with its answers behind the safety layer; predicted and scored as any stage.
from primum.evaluation.deployment_plan import (
    compare_config,
    layer_config,
    names,
    predict_config as deployment_predict_config,
    source_of,
)

DEPLOYED = f"{STUDY}/deployments/{{backend}}/{{deployment}}/seed{{seed}}/{{split}}"


use rule predict as predict_deployment with:
    input:
        base=lambda w: PLAN.base_file(w.study),
        checkpoint=lambda w: PLAN.own_checkpoint(w.study, PLAN.model_of(w.study, w.deployment), w.seed),
        data=f"{STUDY}/data/{{split}}.jsonl",
        code=lambda w: PLAN.prediction_code(w.study),
    output:
        predictions=f"{DEPLOYED}/predictions.jsonl",
    log:
        f"{LOGS}/predict_deployment/{{study}}-{{backend}}-{{deployment}}-seed{{seed}}-{{split}}.log",
    benchmark:
        f"{BENCHMARKS}/predict_deployment/{{study}}-{{backend}}-{{deployment}}-seed{{seed}}-{{split}}.tsv"
    wildcard_constraints:
        deployment=names(PLAN, layer=False),
    params:
        config=lambda w: deployment_predict_config(PLAN, w.study, w.deployment, w.seed, w.split),
        checkpoint=lambda w, input: folder_option("--checkpoint", input.checkpoint),


rule apply_layer:
    """Answers behind the task's safety layer; what it corrected, and by which rule, is recorded with every row."""
    input:
        predictions=lambda w: source_of(PLAN, w.study, w.deployment, w.seed, w.split),
        code=lambda w: PLAN.code("apply_layer", w.study),
    output:
        predictions=f"{DEPLOYED}/predictions.jsonl",
    log:
        f"{LOGS}/apply_layer/{{study}}-{{backend}}-{{deployment}}-seed{{seed}}-{{split}}.log",
    benchmark:
        f"{BENCHMARKS}/apply_layer/{{study}}-{{backend}}-{{deployment}}-seed{{seed}}-{{split}}.tsv"
    wildcard_constraints:
        deployment=names(PLAN, layer=True),
    conda:
        "../envs/analysis.yaml"
    params:
        config=lambda w: layer_config(PLAN, w.study),
    shell:
        "python scripts/apply_layer.py --config {params.config:q} --predictions {input.predictions} --output {output.predictions} "
        "2>&1 | tee {log}"


use rule score as score_deployment with:
    input:
        data=f"{STUDY}/data/{{split}}.jsonl",
        predictions=f"{DEPLOYED}/predictions.jsonl",
        code=lambda w: PLAN.code("score", w.study),
    output:
        scores=f"{DEPLOYED}/scores.jsonl",
        metrics=f"{DEPLOYED}/metrics.json",
    log:
        f"{LOGS}/score_deployment/{{study}}-{{backend}}-{{deployment}}-seed{{seed}}-{{split}}.log",
    benchmark:
        f"{BENCHMARKS}/score_deployment/{{study}}-{{backend}}-{{deployment}}-seed{{seed}}-{{split}}.tsv"
    params:
        config=lambda w: PLAN.score_config(w.study, PLAN.model_of(w.study, w.deployment)),
        folder=subpath(output.metrics, parent=True),


rule compare_deployments:
    """Prompts, layers and training beside each other: paired tests, costs, and what every rule of a layer corrected."""
    input:
        stages=lambda w: [path for name in ("metrics.json", "scores.jsonl") for path in PLAN.evaluations(w.study, name)],
        deployments=lambda w: PLAN.deployment_files(w.study, "predictions.jsonl", "scores.jsonl", "metrics.json"),
        data=lambda w: [PLAN.split_file(w.study, split) for split in PLAN.splits(w.study)],
        code=lambda w: PLAN.code("compare_deployments", w.study),
    output:
        results=f"{STUDY}/{DEPLOYMENTS}",
        tables=[f"{STUDY}/tables/{name}.csv" for name in DEPLOYMENT_TABLES],
    log:
        f"{LOGS}/compare_deployments/{{study}}.log",
    benchmark:
        f"{BENCHMARKS}/compare_deployments/{{study}}.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        config=lambda w: compare_config(PLAN, w.study),
        backend=lambda w: PLAN.backend(w.study),
        folder=subpath(output.results, parent=True),
    shell:
        "python scripts/compare_deployments.py --config {params.config:q} --backend {params.backend} --folder {params.folder} 2>&1 | tee {log}"

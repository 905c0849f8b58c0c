# Inputs: datasets and base models by their registry lines; the study's splits; the gate that rewards must pass.


rule fetch_dataset:
    """Read a dataset of config/datasets.tsv, verify it, and write its rows in the project's one layout."""
    input:
        source=lambda w: PLAN.source_files(PLAN.datasets[w.dataset]),
        code=PLAN.code("fetch_dataset"),
    output:
        rows=f"{INPUTS}/datasets/{{dataset}}/rows.jsonl",
        source=f"{INPUTS}/datasets/{{dataset}}/source.json",
    log:
        f"{LOGS}/fetch_dataset/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/fetch_dataset/{{dataset}}.tsv"
    conda:
        "../envs/data.yaml"
    params:
        entry=lambda w: PLAN.datasets[w.dataset].model_dump_json(),
        folder=subpath(output.rows, parent=True),
    shell:
        "python scripts/fetch_dataset.py --entry {params.entry:q} --output {params.folder} 2>&1 | tee {log}"


for study_name in PLAN.studies:  # a rule a study, since each names its own splits

    rule:
        name:
            f"build_splits_{study_name}"
        input:
            rows=PLAN.rows_file(study_name),
            code=PLAN.code("build_splits", study_name),
        output:
            splits=[PLAN.split_file(study_name, split) for split in PLAN.splits(study_name)],
            summary=f"{PLAN.study_folder(study_name)}/data/splits.json",
        log:
            f"{LOGS}/build_splits/{study_name}.log",
        benchmark:
            f"{BENCHMARKS}/build_splits/{study_name}.tsv"
        conda:
            "../envs/data.yaml"
        params:
            config=lambda _, name=study_name: PLAN.splits_config(name),
            folder=subpath(output.summary, parent=True),
        shell:
            "python scripts/build_splits.py --config {params.config:q} --rows {input.rows} --output {params.folder} 2>&1 | tee {log}"


rule prepare_base:
    """Fetch, verify and, where needed, convert a base model of config/models.tsv."""
    input:
        source=lambda w: PLAN.source_files(PLAN.models[w.base]),
        code=PLAN.code("prepare_base"),
    output:
        base=f"{INPUTS}/bases/{{base}}/base.json",
    log:
        f"{LOGS}/prepare_base/{{base}}.log",
    benchmark:
        f"{BENCHMARKS}/prepare_base/{{base}}.tsv"
    conda:
        "../envs/trl.yaml"
    params:
        entry=lambda w: PLAN.models[w.base].model_dump_json(),
        folder=subpath(output.base, parent=True),
    shell:
        "python scripts/prepare_base.py --entry {params.entry:q} --output {params.folder} 2>&1 | tee {log}"


rule check_rewards:
    """Before any training: gold answers must earn full marks, and policies that know nothing must not."""
    input:
        data=lambda w: [PLAN.split_file(w.study, split) for split in PLAN.training_splits(w.study)],
        code=lambda w: PLAN.code("check_rewards", w.study),
    output:
        gate=f"{STUDY}/data/rewards_check.json",
    log:
        f"{LOGS}/check_rewards/{{study}}.log",
    benchmark:
        f"{BENCHMARKS}/check_rewards/{{study}}.tsv"
    conda:
        "../envs/data.yaml"
    params:
        config=lambda w: PLAN.rewards_config(w.study),
    shell:
        "python scripts/check_rewards.py --config {params.config:q} --data {input.data} --output {output.gate} 2>&1 | tee {log}"


rule pretrain_tiny_qwen3:
    """Train the bundled tiny base again from the bundled facts; its sha256 should be the one in config/models.tsv."""
    input:
        facts="resources/medmcqa/facts.tsv",
        relations="resources/medmcqa/relations.yaml",
        code=PLAN.code("pretrain_tiny_qwen3"),
    output:
        model=f"{INPUTS}/rebuilt/tiny-qwen3/model.safetensors",
    log:
        f"{LOGS}/pretrain_tiny_qwen3.log",
    benchmark:
        f"{BENCHMARKS}/pretrain_tiny_qwen3.tsv"
    conda:
        "../envs/trl.yaml"
    params:
        bank=subpath(input.facts, parent=True),
        folder=subpath(output.model, parent=True),
    shell:
        "python scripts/pretrain_tiny_qwen3.py --bank {params.bank} --output {params.folder} 2>&1 | tee {log}"


rule pretrain_tiny_gemma3:
    """Train the bundled base of the grounded answers again; its sha256 should be the one in config/models.tsv."""
    input:
        study="config/studies/dipg.yaml",
        concepts="resources/dipg/concepts.tsv",
        facts=multiext(
            "resources/dipg/",
            "axioms.tsv",
            "derived.tsv",
            "missing.tsv",
            "patients.yaml",
            "safety.tsv",
        ),
        code=PLAN.code("pretrain_tiny_gemma3"),
    output:
        model=f"{INPUTS}/rebuilt/tiny-gemma3/model.safetensors",
    log:
        f"{LOGS}/pretrain_tiny_gemma3.log",
    benchmark:
        f"{BENCHMARKS}/pretrain_tiny_gemma3.tsv"
    conda:
        "../envs/trl.yaml"
    params:
        resources=subpath(input.concepts, parent=True),
        folder=subpath(output.model, parent=True),
    shell:
        "python scripts/pretrain_tiny_gemma3.py --study {input.study} --resources {params.resources} --output {params.folder} 2>&1 | tee {log}"

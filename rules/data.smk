# Data: datasets by their registry lines, the study's splits and what describes them, and the gate that rewards must pass.


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
        entry=lambda w: PLAN.datasets[w.dataset].fetched(),
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


rule describe_splits:
    """Croissant metadata of a study's splits."""
    input:
        splits=lambda w: [PLAN.split_file(w.study, split) for split in PLAN.splits(w.study)],
        code=PLAN.code("describe_splits"),
    output:
        croissant=f"{STUDY}/data/croissant.json",
    log:
        f"{LOGS}/describe_splits/{{study}}.log",
    benchmark:
        f"{BENCHMARKS}/describe_splits/{{study}}.tsv"
    conda:
        "../envs/data.yaml"
    params:
        title=lambda w: PLAN.studies[w.study].title,
        licence=lambda w: PLAN.dataset(w.study).licence,
    shell:
        "python scripts/describe_splits.py --study {wildcards.study} --title {params.title:q} --licence {params.licence:q} "
        "--splits {input.splits} --output {output.croissant} 2>&1 | tee {log}"


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

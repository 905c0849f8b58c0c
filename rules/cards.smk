# Cards: of every trained stage, and of every study's data. They can state no number that no result file holds.


rule write_card:
    """A stage's model card, in the hub's format."""
    input:
        numbers=f"{R}/paper/numbers.json",
        records=lambda w: PLAN.records(w.study),
        code=PLAN.code("write_card"),
        templates=PLAN.templates(),
    output:
        card=f"{STUDY}/cards/{{backend}}/{{stage}}.md",
    log:
        f"{LOGS}/write_card/{{study}}-{{backend}}-{{stage}}.log",
    benchmark:
        f"{BENCHMARKS}/write_card/{{study}}-{{backend}}-{{stage}}.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        config=lambda w: PLAN.study_report_config(w.study),
        results=lambda _: R,
    shell:
        "python scripts/write_card.py --stage {wildcards.stage} --config {params.config:q} --numbers {input.numbers} "
        "--results {params.results} --output {output.card} 2>&1 | tee {log}"


rule write_dataset_card:
    """A study's dataset card, in the hub's format."""
    input:
        numbers=f"{R}/paper/numbers.json",
        records=lambda w: PLAN.records(w.study),
        croissant=f"{STUDY}/data/croissant.json",
        code=PLAN.code("write_dataset_card"),
        templates=PLAN.templates(),
    output:
        card=f"{STUDY}/cards/dataset.md",
    log:
        f"{LOGS}/write_dataset_card/{{study}}.log",
    benchmark:
        f"{BENCHMARKS}/write_dataset_card/{{study}}.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        config=lambda w: PLAN.study_report_config(w.study),
        results=lambda _: R,
    shell:
        "python scripts/write_dataset_card.py --config {params.config:q} --numbers {input.numbers} --results {params.results} "
        "--output {output.card} 2>&1 | tee {log}"

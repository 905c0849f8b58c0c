# What is registered: every adapter's way back to its rows, and all that a run used. From records alone: nothing is trained for it.


rule write_provenance:
    """What an adapter is, from its files back to base and registered rows; and the card beside its weights."""
    input:
        base=lambda w: PLAN.base_file(w.study),
        stages=lambda w: provenance_inputs(PLAN, w.study, w.stage, w.seed),
        splits=f"{STUDY}/data/splits.json",
        rows=lambda w: PLAN.data_record(w.study),
        code=PLAN.code("write_provenance"),
    output:
        provenance=f"{STAGE}/{PROVENANCE}",
        card=f"{STAGE}/{ADAPTER_CARD}",
    log:
        f"{LOGS}/write_provenance/{{study}}-{{backend}}-{{stage}}-seed{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/write_provenance/{{study}}-{{backend}}-{{stage}}-seed{{seed}}.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        config=lambda w: provenance_config(PLAN, w.study, w.stage, w.seed),
        stage=subpath(output.provenance, parent=True),
    shell:
        "python scripts/write_provenance.py --config {params.config:q} --stage {params.stage} --base {input.base} "
        "--splits {input.splits} --rows {input.rows} --output {output.provenance} --output-card {output.card} 2>&1 | tee {log}"


rule write_registry:
    """Every dataset, base model and adapter of the run, and what of them is not settled."""
    input:
        records=registry_inputs(PLAN),
        code=PLAN.code("write_registry"),
    output:
        json=f"{R}/{REGISTRY[0]}",
        csv=f"{R}/{REGISTRY[1]}",
    log:
        f"{LOGS}/write_registry.log",
    benchmark:
        f"{BENCHMARKS}/write_registry.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        config=lambda _: registry_config(PLAN),
    shell:
        "python scripts/write_registry.py --config {params.config:q} --output-json {output.json} --output-csv {output.csv} 2>&1 | tee {log}"

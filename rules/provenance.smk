# Where things are from: the bill of materials, the run crate, what it cost, and signatures. Only the first is published.
BOM_INPUTS = bom_inputs(PLAN)


rule write_bom:
    """Base models, adapters, data and packages, as a CycloneDX bill of materials."""
    input:
        records=BOM_INPUTS,
        environments=environments(PLAN),
        code=PLAN.code("write_bom"),
    output:
        bom=f"{R}/{BOM}",
    log:
        f"{LOGS}/write_bom.log",
    benchmark:
        f"{BENCHMARKS}/write_bom.tsv"
    conda:
        "../envs/provenance.yaml"
    params:
        config=lambda _: bom_config(PLAN),
        results=lambda _: R,
    shell:
        "python scripts/write_bom.py --config {params.config:q} --environments {input.environments} --results {params.results} "
        "--output {output.bom} 2>&1 | tee {log}"


rule write_crate:
    """Every published file and every job that led to it, as an RO-Crate. It holds times, and nothing is made from it."""
    input:
        published=PLAN.published(),
        manifest=f"{R}/manifest.json",
        registries=["config/datasets.tsv", "config/models.tsv"],
        code=PLAN.code("write_crate"),
    output:
        crate=f"{R}/{CRATE}",
    log:
        f"{LOGS}/write_crate.log",
    benchmark:
        f"{BENCHMARKS}/write_crate.tsv"
    conda:
        "../envs/provenance.yaml"
    params:
        title=lambda _: f"Primum, scale {PLAN.config.scale}: {', '.join(PLAN.studies)}",
        results=lambda _: R,
    shell:
        "python scripts/write_crate.py --title {params.title:q} --results {params.results} --output {output.crate} 2>&1 | tee {log}"


rule report_cost:
    """Energy and cost by rule and stage, estimated from what Snakemake measured. Nothing is made from it."""
    input:
        published=PLAN.published(),
        code=PLAN.code("report_cost"),
    output:
        csv=f"{R}/{COST_TABLE}",
        md=f"{R}/{COST_REPORT}",
    log:
        f"{LOGS}/report_cost.log",
    benchmark:
        f"{BENCHMARKS}/report_cost.tsv"
    conda:
        "../envs/cost.yaml"
    params:
        config=lambda _: REPORT_CONFIG,
        energy=lambda _: PLAN.aside.energy.model_dump_json(),
        benchmarks=lambda _: BENCHMARKS,
    shell:
        "python scripts/report_cost.py --config {params.config:q} --energy {params.energy:q} --benchmarks {params.benchmarks} "
        "--output-csv {output.csv} --output-md {output.md} 2>&1 | tee {log}"


rule sign_stage:
    """A stage's adapter and record, signed with a private key (config key `signing_key`)."""
    input:
        checkpoint=f"{STAGE}/checkpoint.json",
        adapter=[f"{STAGE}/adapter/{name}" for name in ADAPTER_FILES],
        told=[f"{STAGE}/{name}" for name in (PROVENANCE, ADAPTER_CARD)],
        code=PLAN.code("sign_stage"),
    output:
        signature=f"{STAGE}/{SIGNATURE}",
    log:
        f"{LOGS}/sign_stage/{{study}}-{{backend}}-{{stage}}-seed{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/sign_stage/{{study}}-{{backend}}-{{stage}}-seed{{seed}}.tsv"
    conda:
        "../envs/sign.yaml"
    params:
        stage=subpath(input.checkpoint, parent=True),
        key=lambda _: PLAN.aside.signing_key,
    shell:
        "python scripts/sign_stage.py --stage {params.stage} --key {params.key:q} --output {output.signature} 2>&1 | tee {log}"

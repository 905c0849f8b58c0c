# Base models: by their registry lines; and the bundled ones made again from scratch.


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
        entry=lambda w: PLAN.models[w.base].fetched(),
        folder=subpath(output.base, parent=True),
    shell:
        "python scripts/prepare_base.py --entry {params.entry:q} --output {params.folder} 2>&1 | tee {log}"


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


rule pretrain_tiny_medgemma:
    """Train the bundled base of the triage study again; its sha256 should be the one in config/models.tsv."""
    input:
        study="config/studies/irae.yaml",
        limits="resources/irae/limits.tsv",
        bank=multiext(
            "resources/irae/",
            "cases.yaml",
            "cues.yaml",
            "families.yaml",
            "regimens.yaml",
            "signs.yaml",
        ),
        code=PLAN.code("pretrain_tiny_medgemma"),
    output:
        model=f"{INPUTS}/rebuilt/tiny-medgemma/model.safetensors",
    log:
        f"{LOGS}/pretrain_tiny_medgemma.log",
    benchmark:
        f"{BENCHMARKS}/pretrain_tiny_medgemma.tsv"
    conda:
        "../envs/trl.yaml"
    params:
        bank=subpath(input.limits, parent=True),
        folder=subpath(output.model, parent=True),
    shell:
        "python scripts/pretrain_tiny_medgemma.py --study {input.study} --bank {params.bank} --output {params.folder} 2>&1 | tee {log}"

# What people read: figures, the numbers they may state, the paper, the report, and the manifest of it all.
REPORT_CONFIG = PLAN.report_config()


rule plot_figure:
    """One figure of one study, as SVG and PNG."""
    input:
        files=lambda w: PLAN.figure_inputs(w.study, w.figure),
        code=PLAN.code("plot_figure"),
    output:
        svg=f"{R}/paper/figures/{{study}}_{{figure}}.svg",
        png=f"{R}/paper/figures/{{study}}_{{figure}}.png",
    log:
        f"{LOGS}/plot_figure/{{study}}-{{figure}}.log",
    benchmark:
        f"{BENCHMARKS}/plot_figure/{{study}}-{{figure}}.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        config=lambda w: PLAN.study_report_config(w.study),
    shell:
        "python scripts/plot_figure.py --figure {wildcards.figure} --config {params.config:q} --inputs {input.files} "
        "--output-svg {output.svg} --output-png {output.png} 2>&1 | tee {log}"


rule collect_numbers:
    """Every number that may be stated, with the hashed file and the place it comes from."""
    input:
        records=[PLAN.records(study) for study in PLAN.trained],
        claims=PLAN.claims_files()[:1],
        parity=[PLAN.parity_table()] if PLAN.parity else [],
        pins=sorted({f"envs/{PLAN.backend(study)}.yaml" for study in PLAN.trained}),
        code=PLAN.code("collect_numbers"),
    output:
        numbers=f"{R}/paper/numbers.json",
    log:
        f"{LOGS}/collect_numbers.log",
    benchmark:
        f"{BENCHMARKS}/collect_numbers.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        config=lambda _: REPORT_CONFIG,
        results=lambda _: R,
    shell:
        "python scripts/collect_numbers.py --config {params.config:q} --results {params.results} --output {output.numbers} 2>&1 | tee {log}"


rule build_paper:
    """The paper, by typst."""
    input:
        numbers=f"{R}/paper/numbers.json",
        records=[PLAN.records(study) for study in PLAN.trained],
        figures=[PLAN.figures(study, ["svg"]) for study in PLAN.trained],
        pipeline=f"{R}/paper/figures/pipeline.svg",
        code=PLAN.code("build_paper"),
        templates=PLAN.templates(),
    output:
        paper=f"{R}/paper/paper.pdf",
    log:
        f"{LOGS}/build_paper.log",
    benchmark:
        f"{BENCHMARKS}/build_paper.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        config=lambda _: REPORT_CONFIG,
        results=lambda _: R,
    shell:
        "python scripts/build_paper.py --config {params.config:q} --numbers {input.numbers} --results {params.results} "
        "--output {output.paper} 2>&1 | tee {log}"


rule build_report:
    """The report: one HTML file that opens offline, with examples and the file behind every number."""
    input:
        numbers=f"{R}/paper/numbers.json",
        records=[PLAN.records(study) for study in PLAN.trained],
        figures=[PLAN.figures(study, ["svg"]) for study in PLAN.trained],
        pipeline=f"{R}/paper/figures/pipeline.svg",
        samples=[PLAN.samples(study) for study in PLAN.trained],
        code=[PLAN.code("build_report", study) for study in PLAN.trained],
        templates=PLAN.templates(),
    output:
        report=f"{R}/paper/report.html",
    log:
        f"{LOGS}/build_report.log",
    benchmark:
        f"{BENCHMARKS}/build_report.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        config=lambda _: REPORT_CONFIG,
        results=lambda _: R,
    shell:
        "python scripts/build_report.py --config {params.config:q} --numbers {input.numbers} --results {params.results} "
        "--output {output.report} 2>&1 | tee {log}"


rule write_manifest:
    """sha256 of everything published at this scale, and of the inputs it was made from."""
    input:
        published=PLAN.published(),
        code=PLAN.code("write_manifest"),
    output:
        manifest=f"{R}/manifest.json",
    log:
        f"{LOGS}/write_manifest.log",
    benchmark:
        f"{BENCHMARKS}/write_manifest.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        config=lambda _: REPORT_CONFIG,
        results=lambda _: R,
    shell:
        "python scripts/write_manifest.py --config {params.config:q} --results {params.results} --output {output.manifest} 2>&1 | tee {log}"

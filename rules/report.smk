# What people read: figures, cards, the paper, the report, and the manifest of it all.


rule plot_figure:
    """One figure of one study, as SVG and PNG."""
    input:
        results=f"{STUDY}/eval_results.json",
        history=lambda w: PLAN.stage_files(w.study, "train_log.jsonl"),
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
        config=lambda w: PLAN.report_config(w.study),
    shell:
        "python scripts/plot_figure.py --figure {wildcards.figure} --config {params.config:q} --inputs {input.results} {input.history} "
        "--output-svg {output.svg} --output-png {output.png} 2>&1 | tee {log}"

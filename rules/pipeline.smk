# The paper's figure of the pipeline, from Snakemake's record of the jobs behind its numbers and its other figures.


rule plot_pipeline:
    """What was run, as a graph of rules."""
    input:
        numbers=f"{R}/paper/numbers.json",
        figures=[PLAN.figures(study, ["svg"]) for study in PLAN.trained],
        workflow=["Snakefile", *sorted(path.as_posix() for path in Path("rules").glob("*.smk"))],
        code=PLAN.code("plot_pipeline"),
    output:
        svg=f"{R}/paper/figures/pipeline.svg",
        png=f"{R}/paper/figures/pipeline.png",
    log:
        f"{LOGS}/plot_pipeline.log",
    benchmark:
        f"{BENCHMARKS}/plot_pipeline.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        studies=sorted(PLAN.studies),
    shell:
        "python scripts/plot_pipeline.py --studies {params.studies} --inputs {input.numbers} {input.figures} "
        "--output-svg {output.svg} --output-png {output.png} 2>&1 | tee {log}"

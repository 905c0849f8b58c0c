# Named stopping points: `snakemake --profile local evaluate`.


rule data:
    """Every study's splits with what describes them, and the gate that its rewards must pass."""
    input:
        [f"{PLAN.study_folder(study)}/data/{name}" for study in PLAN.studies for name in DATA_RECORDS],


rule corpora:
    """Everything that teachers write: corpora, their documents and reports, and the splits made of them."""
    input:
        [PLAN.corpus_files(study) for study in PLAN.corpora],


rule train:
    """Every trained stage of every study and seed."""
    input:
        [PLAN.own_checkpoint(study, stage, seed) for study in PLAN.trained for stage, seed in PLAN.runs(study)],


rule evaluate:
    """Scores and comparisons of every study."""
    input:
        [f"{PLAN.study_folder(study)}/eval_results.json" for study in PLAN.trained],


rule audits:
    """Audits of every study."""
    input:
        [f"{PLAN.study_folder(study)}/audits.json" for study in PLAN.trained],


rule parity:
    """Both backends beside each other; at the tiny scale 'all' builds it too."""
    input:
        PLAN.parity_table(),


rule tables:
    """The tables, as CSV."""
    input:
        [PLAN.tables(study) for study in PLAN.trained],


rule figures:
    """The figures, as SVG and PNG."""
    input:
        [PLAN.figures(study) for study in PLAN.trained],
        rules.plot_pipeline.output if PLAN.trained else [],


rule cards:
    """A model card for every trained stage, and a dataset card for every study."""
    input:
        [PLAN.cards(study) for study in PLAN.trained],


rule paper:
    """The paper and the browsable report."""
    input:
        f"{R}/paper/paper.pdf",
        f"{R}/paper/report.html",


rule manifest:
    """sha256 of every published artefact and of its inputs."""
    input:
        f"{R}/manifest.json",


rule compare:
    """This run against an older copy of its results: `--config before=<folder>`."""
    input:
        rules.compare_results.output,


rule release:
    """Every trained stage merged into its base."""
    input:
        [
            f"{PLAN.study_folder(study)}/release/{PLAN.backend(study)}/{stage}/seed{seed}/merged.json"
            for study in PLAN.trained
            for stage, seed in PLAN.runs(study)
            if stage != "base"
        ],


rule registry:
    """Every dataset, base model and adapter of the run, and provenance and card of each adapter."""
    input:
        [f"{R}/{name}" for name in REGISTRY],
        [PLAN.stage_files(study, ADAPTER_CARD) for study in PLAN.trained],


rule bom:
    """The bill of materials."""
    input:
        f"{R}/{BOM}",


rule crate:
    """The run crate."""
    input:
        f"{R}/{CRATE}",


rule cost:
    """Energy and cost, estimated."""
    input:
        f"{R}/{COST_TABLE}",
        f"{R}/{COST_REPORT}",


rule sign:
    """Every trained stage, signed; needs `--config signing_key=<path of a private key>`."""
    input:
        lambda _: signatures(),

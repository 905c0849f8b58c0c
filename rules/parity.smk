# Do both backends compute the same? One step of each, whichever of them trains a study, against one reference.


rule probe_backend:
    """Loss and gradient of one training step by one side: trl, tunix, or plain, the reference."""
    input:
        base=lambda w: PLAN.base_file(w.study),
        checkpoint=lambda w: PLAN.own_checkpoint(w.study, PLAN.parity_policy(w.study), min(PLAN.config.seeds)),
        data=lambda w: PLAN.parity_data(w.study),
        code=lambda w: PLAN.code("probe_backend", w.study, f"primum.parity.side_{w.side}"),
    output:
        facts=f"{STUDY}/parity/{{side}}.json",
        gradients=f"{STUDY}/parity/{{side}}.npz",
    log:
        f"{LOGS}/probe_backend/{{study}}-{{side}}.log",
    benchmark:
        f"{BENCHMARKS}/probe_backend/{{study}}-{{side}}.tsv"
    conda:
        lambda w: "../envs/tunix.yaml" if w.side == "tunix" else "../envs/trl.yaml"
    resources:
        accelerator=1,
    params:
        config=lambda w: PLAN.parity_config(w.study),
        stage=lambda w, input: folder_option("--stage", input.checkpoint),
        folder=subpath(output.facts, parent=True),
    shell:
        "python scripts/probe_backend.py --side {wildcards.side} --config {params.config:q} --base {input.base} "
        "{params.stage} --data {input.data} --output {params.folder} 2>&1 | tee {log}"


rule compare_backends:
    """One table for all trained studies; an error if anything differs that should not."""
    input:
        probes=[
            f"{PLAN.study_folder(study)}/parity/{side}.{kind}"
            for study in PLAN.trained
            for side in ("trl", "tunix", "plain")
            for kind in ("json", "npz")
        ],
        code=PLAN.code("compare_backends"),
    output:
        table=PLAN.parity_table(),
    log:
        f"{LOGS}/compare_backends.log",
    benchmark:
        f"{BENCHMARKS}/compare_backends.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        folders=[f"{PLAN.study_folder(study)}/parity" for study in PLAN.trained],
    shell:
        "python scripts/compare_backends.py --probes {params.folders} --output {output.table} 2>&1 | tee {log}"

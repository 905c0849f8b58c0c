# Stages: one adapter on the true base, continued from parent to child.


rule train_stage:
    """Train one stage (SFT or GRPO). Killed, it goes on from its last saved step; its state lies outside the outputs."""
    input:
        base=lambda w: PLAN.base_file(w.study),
        parent=lambda w: PLAN.parent_checkpoint(w.study, w.stage, w.seed),
        reference=lambda w: PLAN.reference_checkpoint(w.study, w.stage, w.seed),
        blocks=lambda w: PLAN.rollback_checkpoints(w.study, w.stage, w.seed),
        metrics=lambda w: PLAN.rollback_metrics(w.study, w.stage, w.seed),
        data=lambda w: PLAN.split_file(w.study, PLAN.studies[w.study].stages[w.stage].split),
        gate=f"{STUDY}/data/rewards_check.json",
        code=lambda w: PLAN.training_code(w.study),
    output:
        adapter=[f"{STAGE}/adapter/{name}" for name in ("adapter_config.json", "adapter_model.safetensors")],
        history=f"{STAGE}/train_log.jsonl",
        state=f"{STAGE}/training_state.safetensors",
        checkpoint=f"{STAGE}/checkpoint.json",
    log:
        f"{LOGS}/train_stage/{{study}}-{{backend}}-{{stage}}-seed{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/train_stage/{{study}}-{{backend}}-{{stage}}-seed{{seed}}.tsv"
    conda:
        lambda w: f"../envs/{w.backend}.yaml"
    threads: lambda w: PLAN.studies[w.study].train_threads
    resources:
        accelerator=1,
    params:
        config=lambda w: PLAN.train_config(w.study, w.stage, w.seed),
        parent=lambda w, input: folder_option("--parent", input.parent),
        reference=lambda w, input: folder_option("--reference", input.reference),
        blocks=lambda w, input: folder_option("--blocks", input.blocks),
        metrics=lambda w, input: f"--metrics {input.metrics}" if input.metrics else "",
        folder=subpath(output.checkpoint, parent=True),
        state=f"{R}/.state/{{study}}/{{backend}}/{{stage}}/seed{{seed}}",
    shell:
        "export OMP_NUM_THREADS={threads}; python scripts/train_stage.py --config {params.config:q} --base {input.base} "
        "{params.parent} {params.reference} {params.blocks} {params.metrics} --data {input.data} --gate {input.gate} --state {params.state} --output {params.folder} 2>&1 | tee {log}"


rule count_compute:
    """Tokens that every stage trained on and sampled, and operations estimated from them: counted, not timed."""
    input:
        checkpoints=lambda w: PLAN.stage_files(w.study, "checkpoint.json"),
        histories=lambda w: PLAN.stage_files(w.study, "train_log.jsonl"),
        base=lambda w: PLAN.base_file(w.study),
        data=lambda w: [PLAN.split_file(w.study, split) for split in PLAN.training_splits(w.study)],
        code=lambda w: PLAN.code("count_compute", w.study),
    output:
        compute=f"{STUDY}/compute.json",
    log:
        f"{LOGS}/count_compute/{{study}}.log",
    benchmark:
        f"{BENCHMARKS}/count_compute/{{study}}.tsv"
    conda:
        lambda w: f"../envs/{PLAN.backend(w.study)}.yaml"
    params:
        data=f"{STUDY}/data",
    shell:
        "python scripts/count_compute.py --checkpoints {input.checkpoints} --base {input.base} --data {params.data} "
        "--output {output.compute} 2>&1 | tee {log}"


rule merge_adapter:
    """Merge a stage's adapter into its base, as a plain Hugging Face folder for release, with its card as README.md."""
    input:
        base=lambda w: PLAN.base_file(w.study),
        checkpoint=f"{STAGE}/checkpoint.json",
        card=lambda w: PLAN.card_of(w.study, w.stage, w.seed),
        code=PLAN.code("merge_adapter"),
    output:
        merged=f"{STUDY}/release/{{backend}}/{{stage}}/seed{{seed}}/merged.json",
    log:
        f"{LOGS}/merge_adapter/{{study}}-{{backend}}-{{stage}}-seed{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/merge_adapter/{{study}}-{{backend}}-{{stage}}-seed{{seed}}.tsv"
    conda:
        "../envs/trl.yaml"
    params:
        folder=subpath(output.merged, parent=True),
        stage=subpath(input.checkpoint, parent=True),
        card=lambda w, input: f"--card {input.card}" if input.card else "",
    shell:
        "python scripts/merge_adapter.py --base {input.base} --checkpoint {params.stage} {params.card} --output {params.folder} 2>&1 | tee {log}"

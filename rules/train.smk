# Stages: one adapter on the true base, continued from parent to child.


rule train_stage:
    """Train one stage (SFT or GRPO). Killed, it goes on from its last saved step; its state lies outside the outputs."""
    input:
        base=lambda w: PLAN.base_file(w.study),
        parent=lambda w: PLAN.parent_checkpoint(w.study, w.stage, w.seed),
        data=lambda w: PLAN.split_file(w.study, PLAN.studies[w.study].stages[w.stage].split),
        gate=f"{STUDY}/data/rewards_check.json",
        code=lambda w: PLAN.code("train_stage", w.study, backend=True),
    output:
        adapter=[f"{STAGE}/adapter/{name}" for name in ("adapter_config.json", "adapter_model.safetensors")],
        history=f"{STAGE}/train_log.jsonl",
        checkpoint=f"{STAGE}/checkpoint.json",
    log:
        f"{LOGS}/train_stage/{{study}}-{{stage}}-seed{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/train_stage/{{study}}-{{stage}}-seed{{seed}}.tsv"
    conda:
        BACKEND_ENV
    threads: lambda w: PLAN.studies[w.study].train_threads
    resources:
        accelerator=1,
    params:
        config=lambda w: PLAN.train_config(w.study, w.stage, w.seed),
        parent=lambda w, input: folder_option("--parent", input.parent),
        folder=subpath(output.checkpoint, parent=True),
        state=f"{R}/.state/{{study}}/{PLAN.backend}/{{stage}}/seed{{seed}}",
    shell:
        "export OMP_NUM_THREADS={threads}; python scripts/train_stage.py --config {params.config:q} --base {input.base} "
        "{params.parent} --data {input.data} --gate {input.gate} --state {params.state} --output {params.folder} 2>&1 | tee {log}"


rule merge_adapter:
    """Merge a stage's adapter into its base, as a plain Hugging Face folder for release."""
    input:
        base=lambda w: PLAN.base_file(w.study),
        checkpoint=f"{STAGE}/checkpoint.json",
        code=PLAN.code("merge_adapter", backend=True),
    output:
        merged=f"{STUDY}/release/{PLAN.backend}/{{stage}}/seed{{seed}}/merged.json",
    log:
        f"{LOGS}/merge_adapter/{{study}}-{{stage}}-seed{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/merge_adapter/{{study}}-{{stage}}-seed{{seed}}.tsv"
    conda:
        BACKEND_ENV
    params:
        folder=subpath(output.merged, parent=True),
        stage=subpath(input.checkpoint, parent=True),
    shell:
        "python scripts/merge_adapter.py --base {input.base} --checkpoint {params.stage} --output {params.folder} 2>&1 | tee {log}"

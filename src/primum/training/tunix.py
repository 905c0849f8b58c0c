"""The Tunix backend: what SFT and GRPO share. JAX, Flax NNX, qwix."""

from __future__ import annotations

from primum.stages import GrpoStage
from primum.training.base import Inputs, Trained, TrainJob
from primum.training.tunix_host import bf16_available, start_jax
from primum.training.tunix_limits import check_tunix


def run(job: TrainJob, inputs: Inputs) -> Trained:
    """Train one stage with Tunix, going on from ``inputs.work`` if a whole saved step lies there."""
    stage = job.stage
    check_tunix(job.stage_name, stage, job.lora, job.mesh)
    mesh = start_jax(inputs.root, job.mesh, job.threads, stage.bf16)
    from primum.training import tunix_lora
    from primum.training.loading import ADAPTER, load_tokenizer
    from primum.training.tunix_grpo import train_grpo
    from primum.training.tunix_model import load_base
    from primum.training.tunix_sft import train_sft
    from primum.training.tunix_steps import Steps

    bf16 = stage.bf16 and bf16_available()
    tokenizer = load_tokenizer(inputs.base, inputs.root)
    folder = inputs.root / inputs.base["path"]
    with mesh:
        model = tunix_lora.add_lora(load_base(folder, mesh, bf16, stage.gradient_checkpointing), job.lora, job.seed)
        if inputs.parent is not None:
            tunix_lora.set_adapter(model, tunix_lora.read_adapter(inputs.parent / ADAPTER))
        before, frozen = tunix_lora.adapter_of(model), tunix_lora.frozen_arrays(model)
        steps = Steps(job, inputs, model)
        train = train_grpo if isinstance(stage, GrpoStage) else train_sft
        facts = train(job, inputs, model, tokenizer, mesh, steps)
        model = steps.model
        tensors = tunix_lora.adapter_of(model)
        tunix_lora.check_trained(before, tensors, frozen, model, inputs.base["id"])
    log = [{"step": steps.first, **facts}, *steps.history]
    prefixed = {f"base_model.model.{name}": value for name, value in tensors.items()}
    return Trained(prefixed, steps.state(), tunix_lora.adapter_config(job.lora), log, stage.max_steps, bf16)

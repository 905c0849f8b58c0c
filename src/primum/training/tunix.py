"""The Tunix backend: what SFT and GRPO share. JAX, Flax NNX, qwix."""

from __future__ import annotations

import logging
import os
import warnings
from pathlib import Path
from typing import Any

from primum.stages import GrpoStage, Mesh
from primum.training.base import Inputs, Trained, TrainJob
from primum.training.tunix_limits import check_tunix

COMPILED = ".cache/jax"  # below the project's folder: programs of earlier jobs, by content


def start_jax(root: Path, mesh: Mesh, threads: int, bf16: bool) -> Any:
    """Set JAX up for one job, before anything imports it, and make the mesh.

    On a host without accelerator as many virtual devices are made as the mesh has. Compiled programs are kept: at small
    scale, compiling is most of the time.

    Returns:
        The :class:`jax.sharding.Mesh`.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    if threads == 1 and "xla_cpu_multi_thread_eigen" not in flags:
        flags = f"{flags} --xla_cpu_multi_thread_eigen=false".strip()
    os.environ["XLA_FLAGS"] = flags
    if not any(Path("/dev").glob("accel[0-9]*")) and not any(Path("/dev/vfio").glob("[0-9]*")):
        os.environ.setdefault("JAX_PLATFORMS", "cpu")  # else libtpu looks for chips, at length and in red
    os.environ["TQDM_DISABLE"] = "1"
    for noisy in ("tunix", "flax", "qwix"):  # they use attributes that Flax has deprecated
        warnings.filterwarnings("ignore", module=rf"{noisy}\..*")
    warnings.filterwarnings("ignore", message=".*'.value' access is now deprecated.*")
    logging.getLogger("absl").setLevel(logging.ERROR)
    import jax

    from primum.training.tunix_model import make_mesh

    settings = {
        "jax_compilation_cache_dir": str((root / COMPILED).resolve()),
        "jax_persistent_cache_min_compile_time_secs": 0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
        "jax_default_matmul_precision": None if bf16 else "highest",  # float32 products in float32 on a TPU too
    }
    if "xla_force_host_platform_device_count" not in os.environ["XLA_FLAGS"]:
        settings["jax_num_cpu_devices"] = mesh.fsdp * mesh.tp
    for name, value in settings.items():
        if getattr(jax.config, name) != value:
            jax.config.update(name, value)
    return make_mesh({"fsdp": mesh.fsdp, "tp": mesh.tp})


def bf16_available() -> bool:
    """Whether the platform computes in bfloat16 itself."""
    import jax

    return jax.default_backend() in ("tpu", "gpu")


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

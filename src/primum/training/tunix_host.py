"""JAX as jobs use it, in training and prediction alike: set up before anything imports it."""

from __future__ import annotations

import logging
import os
import warnings
from pathlib import Path
from typing import Any

from primum.stages import Mesh

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
        "jax_compilation_cache_dir": os.environ.get("JAX_COMPILATION_CACHE_DIR", str((root / COMPILED).resolve())),
        "jax_persistent_cache_min_compile_time_secs": 0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
        "jax_default_matmul_precision": None if bf16 else "highest",  # float32 products in float32 on a TPU too
    }
    if "xla_force_host_platform_device_count" not in os.environ["XLA_FLAGS"]:
        settings["jax_num_cpu_devices"] = mesh.fsdp * mesh.tp
    # Programs in flight at once can wait for each other's devices for ever where devices are threads of few cores.
    settings["jax_cpu_enable_async_dispatch"] = mesh.fsdp * mesh.tp == 1
    for name, value in settings.items():
        if jax.config.values.get(name) != value:
            jax.config.update(name, value)
    return make_mesh({"fsdp": mesh.fsdp, "tp": mesh.tp})


def bf16_available() -> bool:
    """Whether the platform computes in bfloat16 itself."""
    import jax

    return jax.default_backend() in ("tpu", "gpu")

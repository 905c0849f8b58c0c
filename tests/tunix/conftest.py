"""Eight virtual devices, set before JAX is imported, and the workspace of the trainers' tests."""

import os
import tempfile

import pytest

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8 --xla_cpu_multi_thread_eigen=false"
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["JAX_CPU_ENABLE_ASYNC_DISPATCH"] = "false"
_CACHE = tempfile.TemporaryDirectory(prefix="primum-jax-")  # compiled once for all tests
os.environ["JAX_COMPILATION_CACHE_DIR"] = _CACHE.name

from tests.unit.training.conftest import sft_folder, workspace  # noqa: E402, F401


@pytest.fixture(scope="session")
def backend() -> str:
    """Who trains."""
    return "tunix"

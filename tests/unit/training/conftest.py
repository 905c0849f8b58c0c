"""A tiny base that knows the answers' format, splits, their gate, and a finished SFT stage."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.training.stage_tools import TABLE, Workspace, register


@pytest.fixture(scope="session")
def backend() -> str:
    """Who trains; tests/tunix runs the same tests with another one."""
    return "trl"


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory, backend: str) -> Workspace:
    """Base, splits and gate, made once."""
    from primum.files import write_json
    from primum.training.gate import RewardsConfig, build_gate
    from primum.training.loading import use_threads
    from tests import tiny

    use_threads(1)
    root = tmp_path_factory.mktemp("workspace")
    base = tiny.make_base(root, steps=120)
    write_json(root / "base.json", base)
    files = [tiny.write_split(root / f"{name}.jsonl", 40, seed, name) for seed, name in enumerate(("sft", "grpo"))]
    register(root, files)
    config = RewardsConfig(study="toy", task="medmcqa", task_settings=tiny.TASK_SETTINGS, rewards={"standard": TABLE})
    write_json(root / "gate.json", build_gate(config, files))
    return Workspace(root, base, backend)


@pytest.fixture(scope="session")
def sft_folder(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished SFT stage."""
    folder = tmp_path_factory.mktemp("stages") / "sft"
    workspace.train("sft", folder, max_steps=10)
    return folder

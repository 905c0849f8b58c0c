"""A run killed in the middle ends in the same bytes as one left alone."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from primum.files import sha256_tree
from primum.training import base
from tests.unit.training.stage_tools import environment


def kill_at_step(line: list[str], cwd: Path, state: Path, step: int, whole: bool) -> None:
    """Start a job and SIGKILL it once the step's checkpoint is whole, or as soon as it begins to appear."""
    process = subprocess.Popen(line, cwd=cwd, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wanted = f"checkpoint-{step}/complete.json" if whole else f"checkpoint-{step}"
    deadline = time.monotonic() + 120
    while not list(state.glob(f"*/{wanted}")):
        assert process.poll() is None, "the job ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.mark.parametrize(("stage", "whole"), [("sft", True), ("grpo", False)])
def test_killed_run_ends_in_the_same_bytes(workspace, sft_folder, tmp_path, stage, whole):
    parent = sft_folder if stage == "grpo" else None
    changes = {"max_steps": 12, "logging_steps": 3}
    workspace.train(stage, tmp_path / "calm", parent, **changes)
    state, output = tmp_path / "state-killed", tmp_path / "killed"
    line = workspace.command(workspace.job(stage, **changes), output, state, parent)
    kill_at_step(line, workspace.root, state, 4, whole)
    assert not (output / "checkpoint.json").exists()
    resumed = workspace.run(line)
    assert resumed.returncode == 0, resumed.stderr
    assert "resuming at step" in resumed.stderr
    assert sha256_tree(output) == sha256_tree(tmp_path / "calm")
    assert not state.exists()


def test_killed_between_training_and_publishing(workspace, sft_folder, tmp_path, monkeypatch):
    """All steps are done and saved, nothing is published: the next run trains no step more."""
    workspace.train("grpo", tmp_path / "calm", sft_folder, max_steps=4)

    def die(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(base, "_publish", die)
        workspace.train("grpo", tmp_path / "killed", sft_folder, max_steps=4)
    workspace.train("grpo", tmp_path / "killed", sft_folder, max_steps=4)
    assert sha256_tree(tmp_path / "killed") == sha256_tree(tmp_path / "calm")

"""A run killed in the middle ends in the same bytes as one left alone."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest
from conftest import environment

from primum.files import sha256_tree


def kill_after_step(line: list[str], cwd: Path, state: Path, step: int, whole: bool) -> None:
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


@pytest.mark.parametrize("stage", ["sft", "grpo"])
def test_killed_run_ends_in_the_same_bytes(workspace, sft_folder, tmp_path, stage):
    parent = sft_folder if stage == "grpo" else None
    job = workspace.job(stage, max_steps=8, logging_steps=3)
    calm = workspace.run(workspace.command(job, tmp_path / "calm", tmp_path / "calm-state", parent))
    assert calm.returncode == 0, calm.stderr
    assert not (tmp_path / "calm-state").exists()

    state, output = tmp_path / "state", tmp_path / "killed"
    line = workspace.command(job, output, state, parent)
    kill_after_step(line, workspace.root, state, 2, whole=True)
    assert not (output / "checkpoint.json").exists()
    kill_after_step(line, workspace.root, state, 6, whole=False)  # in the middle of a save, most likely
    resumed = workspace.run(line)
    assert resumed.returncode == 0, resumed.stderr
    assert "resuming at step" in resumed.stderr
    assert sha256_tree(output) == sha256_tree(tmp_path / "calm")
    assert not state.exists()


def test_kill_between_training_and_publishing(workspace, tmp_path):
    """All steps are done and saved, nothing is published: the next run trains no step more."""
    job = workspace.job("sft", max_steps=4)
    workspace.train("sft", tmp_path / "calm", max_steps=4)
    line = workspace.command(job, tmp_path / "killed", tmp_path / "state")
    kill_after_step(line, workspace.root, tmp_path / "state", 4, whole=True)
    if not (tmp_path / "killed" / "checkpoint.json").exists():
        assert workspace.run(line).returncode == 0
    assert sha256_tree(tmp_path / "killed") == sha256_tree(tmp_path / "calm")

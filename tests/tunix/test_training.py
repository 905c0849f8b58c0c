"""The tunix backend keeps what trl promises: the same tests, run with Tunix, and what only it can get wrong."""

from __future__ import annotations

import numpy as np
import pytest

from primum.errors import UserError
from primum.files import read_jsonl, sha256_file, sha256_tree
from tests.unit.training.test_blocks import (  # noqa: F401
    ADAPTER,
    test_a_block_that_does_not_continue_is_another_run,
    test_a_changed_training_state_is_refused,
    test_lineage_names_parent_and_reference,
    test_several_steps_on_one_set_of_completions,
    test_six_and_six_steps_are_twelve,
    whole,
)
from tests.unit.training.test_resume import (  # noqa: F401
    test_killed_between_training_and_publishing,
    test_killed_run_ends_in_the_same_bytes,
)

MESH = {"fsdp": 8, "tp": 1}


@pytest.mark.parametrize("stage", ["sft", "grpo"])
def test_two_runs_on_one_mesh_are_the_same_and_another_mesh_is_close(workspace, sft_folder, tmp_path, stage):
    parent = sft_folder if stage == "grpo" else None
    size = {"per_device_train_batch_size": 8, "max_steps": 2, "logging_steps": 1}
    for name, mesh in (("one", MESH), ("two", MESH), ("single", {"fsdp": 1, "tp": 1}), ("tp", {"fsdp": 4, "tp": 2})):
        workspace.train(stage, tmp_path / name, parent, mesh=mesh, **size)
    assert sha256_tree(tmp_path / "one") == sha256_tree(tmp_path / "two")
    losses = {
        name: [line["loss"] for line in read_jsonl(tmp_path / name / "train_log.jsonl") if "loss" in line][:1]
        for name in ("one", "single", "tp")
    }
    np.testing.assert_allclose(losses["one"], losses["single"], atol=1e-4)
    np.testing.assert_allclose(losses["tp"], losses["single"], atol=1e-4)


def test_a_batch_that_does_not_divide_is_refused(workspace, tmp_path):
    with pytest.raises(UserError, match="does not divide among fsdp 8"):
        workspace.train("sft", tmp_path / "sft", mesh=MESH, per_device_train_batch_size=4)


def test_accumulated_steps_are_those_of_one_batch(workspace, tmp_path):
    """Loss and gradient are means over the step's tokens, however they fall into micro-batches."""
    shared = {"max_steps": 4, "logging_steps": 1, "lr_scheduler_type": "constant"}
    workspace.train("sft", tmp_path / "one", per_device_train_batch_size=8, **shared)
    workspace.train("sft", tmp_path / "two", per_device_train_batch_size=2, gradient_accumulation_steps=4, **shared)
    one, two = (
        [line["loss"] for line in read_jsonl(tmp_path / name / "train_log.jsonl") if "loss" in line]
        for name in ("one", "two")
    )
    np.testing.assert_allclose(one, two, atol=2e-4)


def test_only_what_tunix_can_is_asked_of_it(workspace, sft_folder, tmp_path):
    with pytest.raises(UserError, match="no loss_type 'dr_grpo'"):
        workspace.train("grpo", tmp_path / "grpo", sft_folder, loss_type="dr_grpo")


def test_kl_moves_the_policy_towards_the_reference(workspace, sft_folder, tmp_path):
    """``kl``, Tunix' default, has no gradient on policy: with it, beta would change nothing at the first step."""
    weights = []
    for beta in (0.0, 50.0):
        folder = tmp_path / f"beta{beta}"
        first = {"max_steps": 4, "stage_name": "first", "schedule_steps": 8, "lr_scheduler_type": "constant"}
        workspace.train("grpo", folder / "first", sft_folder, **first)
        shared = first | {"stage_name": "next", "of": "first", "continues": True, "beta": beta}
        workspace.train("grpo", folder / "next", folder / "first", sft_folder, **shared)
        weights.append(sha256_file(folder / "next" / ADAPTER))
        kl = [line["kl"] for line in read_jsonl(folder / "next" / "train_log.jsonl") if "kl" in line]
    assert weights[0] != weights[1]
    assert kl[-1] < kl[0]

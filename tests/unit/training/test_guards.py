"""Each guard bites, and only where it should."""

from __future__ import annotations

import pytest

from primum.config import Guards
from primum.errors import UserError
from primum.tasks.base import Example
from primum.training import guards
from tests import tiny

GUARDS = Guards(
    min_sampled_schema_rate=0.5, sampled_prompts=4, sampled_outcome="schema_valid", max_equal_reward_steps=3
)
EXAMPLES = [Example.from_row(row) for row in tiny.rows(4)]


def test_sampled_rate():
    task = tiny.task()
    gold = [task.gold_completion(example) for example in EXAMPLES]
    assert guards.check_sampled(task, EXAMPLES, gold, GUARDS) == 1.0
    assert guards.check_sampled(task, EXAMPLES, [*gold[:2], "junk", ""], GUARDS) == 0.5
    with pytest.raises(UserError, match=r"Only 1 of 4 sampled completions are schema_valid.*'junk one'"):
        guards.check_sampled(task, EXAMPLES, [gold[0], "junk one", "{}", ""], GUARDS)


@pytest.mark.parametrize(
    ("key", "value"), [("loss", float("nan")), ("loss", float("inf")), ("grad_norm", float("nan"))]
)
def test_loss_that_is_no_number(key, value):
    with pytest.raises(UserError, match=f"Step 7: {key} is"):
        guards.check_log([{"step": 7, "loss": 1.0, "grad_norm": 1.0} | {key: value}], GUARDS)


def equal(*shares: float) -> list[dict[str, float]]:
    return [{"step": n, "loss": 0.0, "reward": 0.0, "frac_reward_zero_std": share} for n, share in enumerate(shares, 1)]


def test_equal_rewards_in_a_row():
    guards.check_log(equal(1.0, 1.0), GUARDS)
    guards.check_log(equal(1.0, 1.0, 0.9, 1.0, 1.0), GUARDS)
    with pytest.raises(UserError, match="Step 5: all rewards of every prompt were equal for 3 logged steps"):
        guards.check_log(equal(1.0, 0.5, 1.0, 1.0, 1.0), GUARDS)


def test_frozen_or_unmoved_weights():
    import torch

    layer = torch.nn.Linear(2, 2)
    before = guards.snapshot(layer.named_parameters())
    with pytest.raises(UserError, match="changed no weight"):
        guards.check_changed(before, layer.named_parameters())
    with torch.no_grad():
        layer.bias[0] += 1
    guards.check_changed(before, layer.named_parameters())
    layer.requires_grad_(False)
    with pytest.raises(UserError, match="No weight is trainable"):
        guards.snapshot(layer.named_parameters())


def test_adapter_loaded_without_is_trainable_is_caught(workspace, sft_folder):
    """PEFT's silent trap: the adapter is frozen, training runs and changes nothing."""
    from primum.training.loading import load_model

    model, _ = load_model(workspace.root, workspace.base, sft_folder, trainable=False)
    with pytest.raises(UserError, match="No weight is trainable"):
        guards.snapshot(model.named_parameters())

"""Tunix' own step against the reference, and mistakes of the kind that its defaults would make."""

from __future__ import annotations

import pytest

from primum.errors import UserError
from primum.parity.report import check, compare
from tests.unit.parity.tools import probed, standing_in


def rows_of(found, plain):
    return {row["quantity"]: row for row in compare(standing_in(plain, "trl"), found, plain)}


def test_its_losses_and_gradients_are_the_references(workspace, sft_folder, tmp_path):
    changes = {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 2}
    plain, found = (probed(workspace, sft_folder, tmp_path / side, side, **changes) for side in ("plain", "tunix"))
    rows = rows_of(found, plain)
    check(list(rows.values()))
    assert {row["ok"] for row in rows.values()} == {"yes", "known"}
    assert float(rows["grpo: loss"]["reference"]) > 1e-4


@pytest.mark.parametrize("mistake", [{"kl_loss_mode": "kl"}, {"loss_agg_mode": "token-mean"}], ids=str)
def test_another_kl_or_aggregation_is_caught(workspace, sft_folder, tmp_path, monkeypatch, mistake):
    from tunix.rl.grpo import grpo_learner

    right = grpo_learner.GRPOConfig
    monkeypatch.setattr(grpo_learner, "GRPOConfig", lambda **values: right(**(values | mistake)))
    plain, found = (probed(workspace, sft_folder, tmp_path / side, side, ["grpo"]) for side in ("plain", "tunix"))
    rows = rows_of(found, plain)
    assert rows["grpo: gradient, norm and relative difference"]["ok"] == "no"
    with pytest.raises(UserError, match="the backends differ in"):
        check(list(rows.values()))


def test_a_base_that_it_cannot_train_is_said(workspace, monkeypatch):
    from primum.parity import side_tunix
    from primum.training import tunix_model

    assert side_tunix.unsupported(workspace.root, workspace.base) == ""
    monkeypatch.setattr(tunix_model, "_ARCHITECTURES", ())
    assert side_tunix.unsupported(workspace.root, workspace.base) == "The tunix backend has no 'qwen3' models."

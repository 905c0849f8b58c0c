"""TRL's own step against the reference, and what the comparison does with one that is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from primum.errors import UserError
from primum.files import read_json
from primum.parity import probe
from primum.parity.report import check, compare, relative
from tests.unit.parity.tools import probed, standing_in


@pytest.fixture(scope="module")
def plain(workspace, sft_folder, tmp_path_factory):
    return probed(workspace, sft_folder, tmp_path_factory.mktemp("plain"), "plain")


def rows_of(found, plain):
    return {row["quantity"]: row for row in compare(found, standing_in(plain, "tunix"), plain)}


def test_its_losses_and_gradients_are_the_references(workspace, sft_folder, tmp_path, plain):
    rows = rows_of(probed(workspace, sft_folder, tmp_path, "trl"), plain)
    check(list(rows.values()))
    assert {row["ok"] for row in rows.values()} == {"yes", "known"}
    assert float(rows["grpo: loss"]["reference"]) > 1e-4  # KL is there
    assert float(rows["grpo: gradient, norm and relative difference"]["reference"]) > 1e-3


def test_accumulated_steps_and_a_temperature_are_compared_too(workspace, sft_folder, tmp_path):
    changes = {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 2}
    for name, methods, more in (("sft", ["sft"], {}), ("grpo", ["grpo"], {"temperature": 0.8})):
        found = [
            probed(workspace, sft_folder, tmp_path / name / side, side, methods, **changes, **more)
            for side in ("trl", "plain")
        ]
        check(list(rows_of(*found).values()))


@pytest.mark.parametrize("mistake", [{"loss_type": "dapo"}, {"beta": 0.25}, {"scale_rewards": "none"}], ids=str)
def test_another_aggregation_kl_or_advantage_is_caught(workspace, sft_folder, tmp_path, plain, monkeypatch, mistake):
    right = probe.probe_job

    def wrong(job, side):
        made = right(job, side)
        return made.model_copy(update={"stage": made.stage.model_copy(update=mistake)})

    monkeypatch.setattr(probe, "probe_job", wrong)
    found = probed(workspace, sft_folder, tmp_path, "trl", ["grpo"])
    only = type(plain)({key: value for key, value in plain.facts.items() if key != "sft"}, plain.gradients)
    rows = rows_of(found, only)
    assert rows["grpo: gradient, norm and relative difference"]["ok"] == "no"
    with pytest.raises(UserError, match="the backends differ in"):
        check(list(rows.values()))


def test_two_probes_write_the_same_bytes(workspace, sft_folder, tmp_path):
    for name in ("one", "two"):
        probed(workspace, sft_folder, tmp_path / name, "trl", ["grpo"])
    for file in ("trl.json", "trl.npz"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_rewards_differ_within_groups_and_kl_moves_the_gradient(workspace, sft_folder, tmp_path, plain, monkeypatch):
    right = probe.probe_job

    def without_kl(job, side):
        made = right(job, side)
        return made.model_copy(update={"stage": made.stage.model_copy(update={"beta": 0.0})})

    monkeypatch.setattr(probe, "probe_job", without_kl)
    found = probed(workspace, sft_folder, tmp_path, "plain", ["grpo"])
    assert abs(found.facts["grpo"]["loss"]["grpo@trl"]) < 1e-12 and np.linalg.norm(
        np.concatenate([value.ravel() for value in found.gradients["grpo@trl"].values()])
    )
    assert relative(found.gradients["grpo@trl"], plain.gradients["grpo@trl"]) > 0.01
    assert read_json(tmp_path / "plain.json")["unsupported"] == ""

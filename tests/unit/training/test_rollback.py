"""A block whose parent fell on dev goes on from the last good one, and says so."""

from __future__ import annotations

import pytest

from primum.errors import UserError
from primum.files import read_json, sha256_file, write_json
from primum.training.rollback import Block, choose_block


def block(folder, name, value, half=0.05):
    folder.mkdir(parents=True, exist_ok=True)
    found = {"value": value, "low": value - half, "high": value + half, "n": 100}
    write_json(folder / "metrics.json", {"metrics": {"accuracy": found}})
    return Block(name, folder, folder / "metrics.json")


@pytest.mark.parametrize(
    ("values", "chosen"),
    [
        ([0.5], 0),
        ([0.5, 0.6], 1),
        ([0.5, 0.46], 1),  # within the interval: not a fall
        ([0.5, 0.40], 0),
        ([0.5, 0.60, 0.50], 1),
        ([0.5, 0.40, 0.45], 2),  # it recovered: measured against the last good block, not against the fallen one
        ([0.5, 0.40, 0.41], 0),
    ],
)
def test_the_last_good_block(tmp_path, values, chosen):
    blocks = [block(tmp_path / str(n), f"b{n}", value) for n, value in enumerate(values)]
    found, record = choose_block(blocks, "accuracy")
    assert found is blocks[chosen]
    assert (record is None) == (chosen == len(values) - 1)
    if record:
        assert (record["from"], record["to"]) == (f"b{len(values) - 1}", f"b{chosen}")
        assert record["value"] == values[-1] < record["low"]


def test_missing_metric_is_refused(tmp_path):
    with pytest.raises(UserError, match="has no 'other'"):
        choose_block([block(tmp_path / "a", "a", 0.5)], "other")


def test_a_stage_rolls_back_and_puts_it_on_record(workspace, sft_folder, tmp_path, capfd):
    shared = {"schedule_steps": 6, "max_steps": 2}
    first, second = tmp_path / "first", tmp_path / "second"
    workspace.train("grpo", first, sft_folder, stage_name="first", **shared)
    workspace.train("grpo", second, first, sft_folder, stage_name="second", of="first", continues=True, **shared)
    third = {"stage_name": "third", "of": "second", "continues": True, "rollback": "auto", **shared}
    headline = "accuracy"
    write_json(tmp_path / "good.json", {"metrics": {headline: {"value": 0.6, "low": 0.5, "high": 0.7, "n": 9}}})
    write_json(tmp_path / "bad.json", {"metrics": {headline: {"value": 0.3, "low": 0.2, "high": 0.4, "n": 9}}})
    blocks = [(first, tmp_path / "good.json"), (second, tmp_path / "bad.json")]
    made = workspace.train("grpo", tmp_path / "third", second, sft_folder, blocks=blocks, **third)
    assert "goes on from 'first', not from 'second'" in capfd.readouterr().err
    assert made["parent"] == {"stage": "first", "sha256": sha256_file(first / "checkpoint.json")}
    assert made["rollback"]["from"] == "second"
    assert read_json(tmp_path / "third" / "checkpoint.json")["steps"] == 2
    kept = workspace.train(
        "grpo", tmp_path / "kept", second, sft_folder, blocks=[blocks[1], (second, blocks[0][1])], **third
    )
    assert kept["rollback"] is None
    assert kept["parent"]["stage"] == "second"
    with pytest.raises(UserError, match="blocks were not given"):
        workspace.train("grpo", tmp_path / "none", second, sft_folder, **third)

"""The gate: gold pays in full on every row, constant policies do not, and nothing trains that has not passed."""

from __future__ import annotations

import json

import pytest

from primum.errors import UserError
from primum.files import sha256_file, write_json, write_jsonl
from primum.training.gate import RewardsConfig, build_gate, check_gate
from tests import tiny

TABLE = {"json_valid": 1.0, "schema_valid": 1.0, "correct": 1.0}


def config(**tables: dict[str, float]) -> RewardsConfig:
    return RewardsConfig(
        study="toy", task="medmcqa", task_settings=tiny.TASK_SETTINGS, rewards=tables or {"standard": TABLE}
    )


def test_gate_records_data_maximum_and_policies(tmp_path):
    path = tiny.write_split(tmp_path / "sft.jsonl", 30, 0)
    gate = build_gate(config(), [path])
    table = gate["tables"]["standard"]
    assert gate["data"] == {"sft.jsonl": {"sha256": sha256_file(path), "rows": 30}}
    assert table["maximum"] == 3.0
    assert set(table["policies"]) == {
        "always_A",
        "always_B",
        "always_C",
        "always_D",
        "bare_number",
        "copy_question",
        "empty",
        "fenced_json",
    }
    assert sum(table["policies"][f"always_{letter}"] for letter in "ABCD") == pytest.approx(2 * 4 + 1)
    assert table["policies"]["fenced_json"] == table["policies"]["empty"] == table["policies"]["bare_number"] == 0.0


def test_gold_answer_that_falls_short_stops_with_its_row(tmp_path):
    rows = tiny.rows(5)
    rows[3]["inputs"]["options"] = ["  "] * 4
    rows[3]["gold"]["explanation"] = None
    write_jsonl(tmp_path / "sft.jsonl", rows)
    with pytest.raises(UserError, match="Row 'q3'"):
        build_gate(config(), [tmp_path / "sft.jsonl"])


def test_gold_that_the_task_misjudges_stops_with_its_row(tmp_path, monkeypatch):
    """A task whose gold answers its own judge does not accept."""
    from primum.tasks import medmcqa

    path = tiny.write_split(tmp_path / "sft.jsonl", 5, 0)
    honest = medmcqa.MedMCQA.gold_completion
    monkeypatch.setattr(medmcqa.MedMCQA, "gold_completion", lambda self, e: "```" * (e.id == "q2") + honest(self, e))
    with pytest.raises(UserError, match=r"Row 'q2': its gold answer is not judged right \(code fence\)"):
        build_gate(config(), [path])


def test_table_that_pays_ignorance_is_refused(tmp_path):
    path = tiny.write_split(tmp_path / "sft.jsonl", 5, 0)
    with pytest.raises(UserError, match=r"policy 'always_A' earns as much as the gold answer.*2 against 2"):
        build_gate(config(form={"json_valid": 1.0, "schema_valid": 1.0}), [path])


def test_unknown_component_is_refused(tmp_path):
    path = tiny.write_split(tmp_path / "sft.jsonl", 5, 0)
    with pytest.raises(UserError, match="'nice'"):
        build_gate(config(bad={"nice": 1.0}), [path])


def test_other_data_or_another_table_does_not_pass(tmp_path):
    path = tiny.write_split(tmp_path / "sft.jsonl", 5, 0)
    gate = json.loads(json.dumps(build_gate(config(), [path])))
    check_gate(gate, "gate", sha256_file(path), "sft.jsonl", None)
    check_gate(gate, "gate", sha256_file(path), "sft.jsonl", TABLE)
    with pytest.raises(UserError, match="has not passed the reward table"):
        check_gate(gate, "gate", sha256_file(path), "sft.jsonl", TABLE | {"correct": 2.0})
    with pytest.raises(UserError, match="was not made from this"):
        check_gate(gate, "gate", "0" * 64, "sft.jsonl", None)


def test_script_writes_the_gate_or_one_line(workspace, tmp_path):
    import sys

    from tests.unit.training.stage_tools import ROOT

    write_json(tmp_path / "x.json", {})
    line = [sys.executable, str(ROOT / "scripts/check_rewards.py"), "--config", config().model_dump_json()]
    done = workspace.run([*line, "--data", "sft.jsonl", "grpo.jsonl", "--output", str(tmp_path / "gate.json")])
    assert done.returncode == 0, done.stderr
    assert "gold earns 3.00 a row" in done.stdout
    assert set(json.loads((tmp_path / "gate.json").read_text())["data"]) == {"sft.jsonl", "grpo.jsonl"}
    failed = workspace.run([*line, "--data", "absent.jsonl", "--output", str(tmp_path / "other.json")])
    assert failed.returncode == 2
    assert "absent.jsonl" in failed.stderr
    assert len(failed.stderr.splitlines()) == 1
    assert not (tmp_path / "other.json").exists()

"""Real MedMCQA rows, where they lie beside the project: counts, the answer base, and the leak they hold."""

from __future__ import annotations

import json

import pytest

from primum.config import project_root
from primum.files import read_jsonl
from primum.registry import load_dataset_entry
from primum.settings import load_config, load_study, read_yaml

ROOT = project_root()
FILE = ROOT.parent / "shared" / "data" / "medmcqa" / "validation-head.jsonl"
pytestmark = pytest.mark.skipif(
    not FILE.is_file(), reason="the real MedMCQA rows (../shared/data) are not on this machine"
)


@pytest.fixture
def line():
    """The registry's line for the file, whatever its place: its sha256 and answer base are what is tested."""
    return json.loads(load_dataset_entry(ROOT, "medmcqa-file").fetched()) | {"source": str(FILE)}


@pytest.fixture
def fetched(tmp_path, script, line):
    done = script("fetch_dataset", "--entry", json.dumps(line), "--output", str(tmp_path / "rows"))
    assert done.returncode == 0, done.stderr
    return tmp_path / "rows" / "rows.jsonl"


def _build(script, rows, output, **data):
    study = load_study(ROOT, "medmcqa", load_config(read_yaml(ROOT / "config" / "config.yaml") | {"scale": "small"}))
    config = {
        "study": "medmcqa",
        "dataset": "medmcqa-file",
        "task": study.task,
        "task_settings": study.task_settings,
        "data": study.data.model_dump(mode="json") | data,
        "training_splits": ["grpo", "sft"],
    }
    return script("build_splits", "--config", json.dumps(config), "--rows", str(rows), "--output", str(output))


def test_answers_count_from_one(tmp_path, script, line, fetched):
    rows = read_jsonl(fetched)
    letters = "".join(row["gold"]["answer"] for row in rows)
    assert [letters.count(letter) for letter in "ABCD"] == [697, 579, 488, 436]
    assert sum(row["gold"]["explanation"] is not None for row in rows) == 1156
    done = script("fetch_dataset", "--entry", json.dumps(line | {"answer_base": "0"}), "--output", str(tmp_path / "no"))
    assert done.returncode == 2 and "counts from 1, not from 0" in done.stderr and not (tmp_path / "no").exists()


def test_splits_of_real_rows(tmp_path, script, fetched):
    done = _build(script, fetched, tmp_path / "stop", on_leak="stop", exclude=[])
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "3b5e1975-f74b-426e-8869-43b353f8a100 (sft) and 63f0f575-0417-4352-94c2-2a8055fe3739 (grpo)" in done.stderr
    done = _build(script, fetched, tmp_path / "drop", on_leak="drop", exclude=[])
    assert done.returncode == 0, done.stderr
    ids = {
        name: [r["id"] for r in read_jsonl(tmp_path / "drop" / f"{name}.jsonl")]
        for name in ("sft", "grpo", "eval", "dev")
    }
    assert {name: len(rows) for name, rows in ids.items()} == {"sft": 1000, "grpo": 499, "eval": 200, "dev": 200}
    assert len(set().union(*ids.values())) == 1899
    assert ids["sft"][:2] == ["e9b1a950-b8d0-4c61-8c49-97a7f246c212", "d2aaf9d3-3ec9-450c-94cd-7df423fe49e8"]

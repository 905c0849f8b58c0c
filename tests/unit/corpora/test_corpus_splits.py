"""Splits of a corpus: rows go where they were written for, and what cannot be used is named or left out."""

from __future__ import annotations

from copy import deepcopy

import pytest

from primum.data.splits import SplitsConfig, build_splits, corpus_splits
from primum.errors import UserError
from primum.files import read_json, read_jsonl, write_jsonl
from primum.strict import parse

DATA = {
    "shuffle_seed": 42,
    "from_corpus": True,
    "validation": False,
    "near_duplicate_threshold": 0.8,
    "on_leak": "stop",
}


@pytest.fixture(scope="module")
def some(made):
    """Some rows of every split and kind."""
    rows = []
    for split in ("sft", "grpo", "dev", "eval"):
        for kind in ("reasoning", "needle", "refusal", "conflict"):
            rows += [r for r in made.rows if r["origin"] == split and r["kind"] == kind][:10]
    return rows


@pytest.fixture
def build(job, tmp_path):
    """Builds splits from rows; ``data`` changes the study's data settings."""

    def run(rows, output="data", **data):
        write_jsonl(tmp_path / "embedded" / "rows.jsonl", rows)
        values = {
            "study": "dipg",
            "dataset": "dipg-corpus",
            "task": job.task,
            "task_settings": job.task_settings,
            "data": DATA | data,
            "corpus_splits": ["dev", "eval", "grpo", "sft"],
            "training_splits": ["grpo", "sft"],
        }
        return build_splits(
            parse(SplitsConfig, values, "test"), tmp_path / "embedded" / "rows.jsonl", tmp_path / output
        )

    return run


def _changed(rows, row_id, change):
    rows = deepcopy(rows)
    change(next(row for row in rows if row["id"] == row_id))
    return rows


def test_rows_go_where_they_were_written_for(tmp_path, some, build) -> None:
    summary = build(some)
    for split in ("dev", "eval", "grpo", "sft"):
        mine = [row for row in some if row["origin"] == split]
        written = read_jsonl(tmp_path / "data" / f"{split}.jsonl")
        assert [row["id"] for row in written] == [row["id"] for row in mine]
        assert [row["gold"] for row in written] == [row["gold"] for row in mine]
        assert summary["splits"][split]["rows"] == 40 and summary["splits"][split]["kinds"]["refusal"] == 10
        assert set(summary["splits"][split]["answers"]) == {"answer", "abstain", "conflict"}
    assert summary["leaks"] == summary["dropped"] == [] and summary["bad_gold"] == {}
    assert summary["groups_shared"]["dev+eval"] == summary["groups_shared"]["dev+sft"] == 0
    assert summary["groups_shared"]["eval+grpo"] == 0 and summary["groups_shared"]["grpo+sft"] > 0
    assert read_json(tmp_path / "data" / "splits.json")["source"]["dataset"] == "dipg-corpus"


def test_the_whole_tiny_corpus_makes_its_splits(made, build) -> None:
    summary = build(made.rows)
    assert {name: found["rows"] for name, found in summary["splits"].items()} == {
        "dev": 100, "eval": 200, "grpo": 200, "sft": 400,
    }  # fmt: skip


def test_the_order_of_splits_is_that_of_the_study(some) -> None:
    found = corpus_splits(some, ["sft", "eval", "dev", "grpo"])
    assert list(found) == ["sft", "eval", "dev", "grpo"] and sum(map(len, found.values())) == len(some)
    assert [example.id for example in found["dev"]] == [row["id"] for row in some if row["origin"] == "dev"]


def test_an_unknown_origin_is_refused(tmp_path, some, build) -> None:
    row_id = some[4]["id"]
    with pytest.raises(UserError, match=f"Row '{row_id}' is for 'test', which is no split") as caught:
        build(_changed(some, row_id, lambda row: row.update(origin="test")))
    assert caught.value.remedy and not (tmp_path / "data").exists()


def test_a_split_without_rows_is_refused(tmp_path, some, build) -> None:
    with pytest.raises(UserError, match="Split 'grpo' is empty"):
        build([row for row in some if row["origin"] != "grpo"])
    assert not (tmp_path / "data").exists()


BAD = [
    (lambda row: row["gold"].update(proof=["The tumour had vanished for good by then."]), "hallucinated_trace"),
    (lambda row: row["gold"].update(proof=[]), "no gold proof"),
    (lambda row: row["gold"].update(answer=" "), "no gold answer"),
    (lambda row: row["gold"].update(expects="shrug"), "no gold answer, or does not say what is expected"),
    (lambda row: row["inputs"].update(context=""), "has no context"),
]


@pytest.mark.parametrize(("change", "told"), BAD)
def test_a_bad_gold_stops(tmp_path, some, build, change, told) -> None:
    row_id = next(row["id"] for row in some if row["origin"] == "dev" and row["kind"] == "reasoning")
    with pytest.raises(UserError) as caught:
        build(_changed(some, row_id, change))
    assert f"Row '{row_id}'" in caught.value.message and not (tmp_path / "data").exists()
    if told != "hallucinated_trace":
        assert told in caught.value.message
    else:
        assert "of split 'dev': its gold completion fails" in caught.value.message


@pytest.mark.parametrize(("change", "told"), BAD)
def test_a_bad_gold_is_dropped_and_put_on_record(tmp_path, some, build, change, told) -> None:
    row_id = next(row["id"] for row in some if row["origin"] == "dev" and row["kind"] == "reasoning")
    summary = build(_changed(some, row_id, change), on_bad_gold="drop")
    assert list(summary["bad_gold"]) == [row_id] and row_id in summary["bad_gold"][row_id]
    assert summary["splits"]["dev"]["rows"] == 39
    assert row_id not in [row["id"] for row in read_jsonl(tmp_path / "data" / "dev.jsonl")]
    assert all(summary["splits"][split]["rows"] == 40 for split in ("eval", "grpo", "sft"))


def test_a_training_row_that_repeats_a_held_out_one_stops_or_is_dropped(some, build) -> None:
    theirs = next(row for row in some if row["origin"] == "eval" and row["kind"] == "reasoning")
    mine = next(row["id"] for row in some if row["origin"] == "sft" and row["kind"] == "reasoning")

    def repeat(row):
        row.update(inputs=deepcopy(theirs["inputs"]), gold=deepcopy(theirs["gold"]))

    leaky = _changed(some, mine, repeat)
    with pytest.raises(UserError, match="stand in two splits") as caught:
        build(leaky)
    assert mine in caught.value.message and theirs["id"] in caught.value.message
    summary = build(leaky, on_leak="drop")
    assert summary["dropped"] == [mine] and [leak["same"] for leak in summary["leaks"]] == [True]

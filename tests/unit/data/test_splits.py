"""Splits: the seed's shuffle, what stops the run, and what is recorded."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest

from primum.data.columns import parse_rows
from primum.data.splits import SplitsConfig, build_splits, shuffled_indices
from primum.errors import UserError
from primum.files import read_json, read_jsonl, sha256_file, write_jsonl
from primum.strict import parse

SETTINGS = {
    "system_prompt": "Answer in JSON.",
    "user_prompt": "{question}\n{opa}\n{opb}\n{opc}\n{opd}",
    "gold_confidence": 0.95,
    "reason_max_chars": 60,
}
DATA = {
    "shuffle_seed": 42,
    "ranges": {"sft": [0, 20], "grpo": [20, 30], "eval": [30, 40], "dev": [40, 50]},
    "validation": True,
    "validation_max_rows": None,
    "near_duplicate_threshold": 0.8,
    "on_leak": "stop",
    "exclude": [],
}


@pytest.fixture
def rows(records):
    return parse_rows({"train": records(60), "validation": records(12, prefix="v")}, 0, "t")


@pytest.fixture
def build(tmp_path):
    """Builds splits from rows; ``data`` changes the study's data settings."""

    def run(rows, output="data", **data):
        write_jsonl(tmp_path / "some-set" / "rows.jsonl", rows)
        config = {
            "study": "s",
            "dataset": "some-set",
            "task": "medmcqa",
            "task_settings": SETTINGS,
            "data": DATA | data,
        }
        config = parse(SplitsConfig, config | {"training_splits": ["grpo", "sft"]}, "test")
        return build_splits(config, tmp_path / "some-set" / "rows.jsonl", tmp_path / output)

    return run


def _order(rows, split):
    """Ids as the published script draws them."""
    from datasets import Dataset

    train = [row for row in rows if row["origin"] == "train"]
    start, stop = DATA["ranges"][split]
    return Dataset.from_list(train).shuffle(seed=42).select(range(start, stop))["id"]


def test_splits_are_the_seeds_own(tmp_path, rows, build):
    summary = build(rows)
    ids = {}
    for split in DATA["ranges"]:
        ids[split] = [row["id"] for row in read_jsonl(tmp_path / "data" / f"{split}.jsonl")]
        assert ids[split] == list(_order(rows, split))
    assert len(set().union(*ids.values())) == 50
    assert [row["id"] for row in read_jsonl(tmp_path / "data" / "validation.jsonl")] == [f"v{i}" for i in range(12)]
    assert set(read_jsonl(tmp_path / "data" / "sft.jsonl")[0]) == {"id", "inputs", "gold", "kind", "group"}
    assert summary == read_json(tmp_path / "data" / "splits.json") | {"leaks": []}
    assert summary["source"] == {
        "dataset": "some-set",
        "rows_sha256": sha256_file(tmp_path / "some-set" / "rows.jsonl"),
    }
    described = summary["splits"]["eval"]
    assert described["rows"] == 10 == sum(described["answers"].values()) == sum(described["kinds"].values())
    assert described["sha256"] == sha256_file(tmp_path / "data" / "eval.jsonl")


def test_kinds_are_spread_evenly_and_within_a_kind_the_order_stays(tmp_path, rows, build):
    kinds = {row["id"]: "rare" if number % 10 == 0 else "common" for number, row in enumerate(rows)}
    rows = [row | {"kind": kinds[row["id"]]} for row in rows]
    splits = build(rows, by_kind=True)["splits"]
    assert [splits[name]["kinds"]["rare"] for name in ("sft", "grpo", "eval", "dev")] == [2, 1, 1, 1]
    train = [row["id"] for row in rows if row["origin"] == "train"]
    order = [train[i] for i in shuffled_indices(len(train), DATA["shuffle_seed"])]
    chosen = [row["id"] for name in ("sft", "grpo") for row in read_jsonl(tmp_path / "data" / f"{name}.jsonl")]
    places = [order.index(row_id) for row_id in chosen if kinds[row_id] == "common"]
    assert places == sorted(places)


def test_two_runs_give_the_same_bytes(tmp_path, rows, build):
    build(rows, "one"), build(rows, "two")
    for path in sorted((tmp_path / "one").iterdir()):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_validation_is_capped_by_a_seeded_sample_in_file_order(tmp_path, rows, build):
    build(rows, validation_max_rows=5)
    ids = [row["id"] for row in read_jsonl(tmp_path / "data" / "validation.jsonl")]
    assert len(ids) == 5 and ids == sorted(ids, key=lambda i: int(i[1:])) and ids != [f"v{i}" for i in range(5)]


def test_exclude_moves_no_other_row(tmp_path, rows, build):
    gone = _order(rows, "eval")[3]
    summary = build(rows, exclude=[gone])
    assert [row["id"] for row in read_jsonl(tmp_path / "data" / "eval.jsonl")] == [
        i for i in _order(rows, "eval") if i != gone
    ]
    assert summary["excluded"] == [gone]
    with pytest.raises(UserError, match=r"data\.exclude names 'nobody'"):
        build(rows, exclude=["nobody"])


def _twin(rows, of, to):
    """Row ``to`` asks almost what row ``of`` asks."""
    rows = deepcopy(rows)
    by_id = {row["id"]: row for row in rows}
    by_id[to]["inputs"] = deepcopy(by_id[of]["inputs"])
    by_id[to]["inputs"]["question"] += " Indeed"
    return rows


@pytest.mark.parametrize(
    ("first", "second", "dropped"),
    [
        ("sft", "eval", "sft"),
        ("grpo", "dev", "grpo"),
        ("sft", "grpo", "grpo"),
        ("eval", "dev", "dev"),
        ("sft", "validation", "sft"),
        ("eval", "validation", None),
    ],
)
def test_near_duplicates_stop_or_drop(tmp_path, rows, build, first, second, dropped):
    pair = {split: "v3" if split == "validation" else _order(rows, split)[1] for split in (first, second)}
    leaky = _twin(rows, pair[first], pair[second])
    with pytest.raises(UserError) as caught:
        build(leaky)
    assert f"{pair[first]} ({first}) and {pair[second]} ({second}): similarity 0." in caught.value.message
    assert not (tmp_path / "data").exists()
    summary = build(leaky, on_leak="drop")
    assert [leak["dropped"] for leak in summary["leaks"]] == [dropped and pair[dropped]]
    assert summary["dropped"] == ([pair[dropped]] if dropped else [])
    for split in (first, second):
        ids = [row["id"] for row in read_jsonl(tmp_path / "data" / f"{split}.jsonl")]
        assert (pair[split] in ids) == (split != dropped)


def test_a_row_dropped_for_one_pair_settles_its_others(rows, build):
    a, b, c = _order(rows, "sft")[0], _order(rows, "grpo")[0], _order(rows, "eval")[0]
    tripled = _twin(_twin(rows, c, a), c, b)
    summary = build(tripled, on_leak="drop")
    assert len(summary["leaks"]) == 3 and summary["dropped"] == sorted([a, b])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda row: row["inputs"].update(question=" "), "has no question"),
        (lambda row: row["inputs"]["options"].__setitem__(2, ""), "four options"),
        (lambda row: row["gold"].update(answer=""), "no gold answer"),
    ],
)
def test_a_bad_row_of_a_split_is_named_before_anything_is_written(tmp_path, rows, build, change, told):
    rows = deepcopy(rows)
    bad = _order(rows, "dev")[4]
    change(next(row for row in rows if row["id"] == bad))
    with pytest.raises(UserError, match=f"'{bad}'.*{told}"):
        build(rows)
    assert not (tmp_path / "data").exists()
    assert build(rows, exclude=[bad])["splits"]["dev"]["rows"] == 9


def test_gold_completion_must_earn_full_marks(rows, build, monkeypatch):
    monkeypatch.setitem(SETTINGS, "gold_confidence", 1.5)
    with pytest.raises(UserError, match="gold completion fails 'schema_valid'"):
        build(rows)


def test_right_option_standing_twice_is_listed(rows, build):
    rows = deepcopy(rows)
    row = next(row for row in rows if row["id"] == _order(rows, "eval")[0])
    options, right = row["inputs"]["options"], "ABCD".index(row["gold"]["answer"])
    options[right - 1] = f" {options[right].upper()}"
    assert build(rows)["right_option_twice"] == [row["id"]]


def test_ranges_validation_and_ids_are_checked(rows, build):
    with pytest.raises(UserError, match="'dev' needs rows 40 to 99, but the dataset has 60"):
        build(rows, ranges=DATA["ranges"] | {"dev": [40, 99]})
    with pytest.raises(UserError, match=r"no validation split.*data\.validation: false"):
        build([row for row in rows if row["origin"] == "train"])
    with pytest.raises(UserError, match="line 73: row 'q0' stands twice"):
        build([*rows, rows[0]])
    with pytest.raises(UserError, match="'sft' is empty"):
        build(rows, ranges={"sft": [0, 1]}, exclude=[_order(rows, "sft")[0]])
    assert "validation" not in build(rows, "other", validation=False)["splits"]


def test_script(tmp_path, rows, script):
    write_jsonl(tmp_path / "some-set" / "rows.jsonl", rows)
    config = {
        "study": "s",
        "dataset": "some-set",
        "task": "medmcqa",
        "task_settings": SETTINGS,
        "data": DATA,
        "training_splits": ["sft", "grpo"],
    }
    files = ["--rows", str(tmp_path / "some-set" / "rows.jsonl"), "--output", str(tmp_path / "out")]
    done = script("build_splits", "--config", json.dumps(config), *files)
    assert done.returncode == 0 and "s: eval: 10 rows" in done.stdout, done.stderr
    overlapping = config | {"data": DATA | {"ranges": {"sft": [0, 20], "eval": [19, 30]}}}
    done = script("build_splits", "--config", json.dumps(overlapping), *files)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "'sft' and 'eval' overlap at row 19" in done.stderr

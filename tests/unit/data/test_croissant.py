"""What describes the splits is read back by Croissant's own reader, row by row."""

from __future__ import annotations

from pathlib import Path

from primum.data.croissant import describe_splits
from primum.files import sha256_file, write_json, write_jsonl

ROWS = [
    {
        "id": f"eval/{i}",
        "kind": "safety",
        "group": f"g{i}",
        "inputs": {"question": f"Which is {i}?", "options": ["only one"] if i else ["a", "b"], "stray": i}
        | ({"now and then": 1} if i else {}),
        "gold": {
            "answer": "A",
            "score": 0.5,
            "sure": True,
            "mixed": [1, "a"],
            "parts": {"x": i, "of": {"signs": ["a", "b"][i:]}},
        },
    }
    for i in range(3)
]


def test_every_field_that_all_rows_have_is_read_back(tmp_path: Path) -> None:
    import mlcroissant as mlc

    write_jsonl(tmp_path / "eval.jsonl", ROWS)
    described = describe_splits("s", "A study", "MIT", tmp_path, ["eval"])
    write_json(tmp_path / "croissant.json", described)
    dataset = mlc.Dataset(str(tmp_path / "croissant.json"))
    assert not dataset.metadata.issues.errors
    records = list(dataset.records("eval"))
    assert [record["eval/id"].decode() for record in records] == [row["id"] for row in ROWS]
    for record, row in zip(records, ROWS, strict=True):
        assert [option.decode() for option in record["eval/inputs/options"]] == row["inputs"]["options"]
        assert record["eval/inputs/stray"] == row["inputs"]["stray"] and record["eval/gold/score"] == 0.5
        assert record["eval/gold/parts/x"] == row["gold"]["parts"]["x"]
        assert [sign.decode() for sign in record["eval/gold/parts/of/signs"]] == row["gold"]["parts"]["of"]["signs"]
        names = {"id", "kind", "group", "inputs/question", "inputs/options", "inputs/stray"}
        gold = {f"gold/{name}" for name in ("answer", "score", "sure", "parts/x", "parts/of/signs")}
        assert set(record) == {f"eval/{name}" for name in names | gold}
    assert described["distribution"][0]["sha256"] == sha256_file(tmp_path / "eval.jsonl")
    assert described["license"] == "https://spdx.org/licenses/MIT.html"
    assert describe_splits("s", "A study", "unknown", tmp_path, ["eval"])["license"] == "unknown"

"""The bundled and file readers, through the script that the rule runs."""

from __future__ import annotations

import csv
import json

import pytest

from primum.data.tables import read_table
from primum.errors import UserError
from primum.files import read_json, read_jsonl, sha256_file

ENDINGS = ("json", "jsonl", "lines.json", "csv", "parquet")


def _write(folder, records, ending):
    path = folder / f"table.{ending}"
    if ending == "json":
        path.write_text(json.dumps(records, ensure_ascii=False), encoding="utf-8")
    elif ending == "csv":
        with path.open("w", encoding="utf-8-sig", newline="") as handle:
            writer = csv.DictWriter(handle, records[0])
            writer.writeheader()
            writer.writerows(records)
    elif ending == "parquet":
        import pyarrow
        import pyarrow.parquet

        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(records), path)
    else:
        path.write_text(
            "".join(json.dumps(r, ensure_ascii=ending == "jsonl") + "\n" for r in records), encoding="utf-8"
        )
    return path


def test_all_formats_give_the_same_rows(tmp_path, records, script, entry):
    table = records(12, base=1)
    table[3]["exp"] = 'A comma, a "quote",\na line break and a paragraph\u2029separator 🧬'
    rows = {}
    for ending in ENDINGS:
        path = _write(tmp_path, table, ending)
        line = entry(source=str(path), sha256=sha256_file(path), answer_base="1")
        done = script("fetch_dataset", "--entry", line, "--output", str(tmp_path / ending))
        assert done.returncode == 0, done.stderr
        rows[ending] = (tmp_path / ending / "rows.jsonl").read_bytes()
        source = read_json(tmp_path / ending / "source.json")
        assert source["rows"] == {"train": 12, "validation": 0} and str(tmp_path) not in json.dumps(source)
        assert source["rows_sha256"] == sha256_file(tmp_path / ending / "rows.jsonl")
    assert len(set(rows.values())) == 1
    read = read_jsonl(tmp_path / "csv" / "rows.jsonl")
    assert read[3]["gold"]["explanation"].endswith("🧬") and [r["gold"]["answer"] for r in read[:4]] == list("ABCD")


def test_the_file_reader_reads_chats_and_tells_the_doubles(tmp_path, script, entry):
    chat = [
        {"from": "human", "value": "<context>He had 54 Gy in all.</context>\n<question>What dose?</question>"},
        {"from": "gpt", "value": '<think>Look.</think><proof>"He had 54 Gy"</proof><answer>54 Gy</answer>'},
    ]
    path = _write(tmp_path, [{"conversations": chat, "id": name} for name in "aba"], "jsonl")
    line = entry(source=str(path), sha256=sha256_file(path), columns="grounded")
    done = script("fetch_dataset", "--entry", line, "--output", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    rows, source = read_jsonl(tmp_path / "out" / "rows.jsonl"), read_json(tmp_path / "out" / "source.json")
    assert [(row["id"], row["origin"], row["gold"]["key"]) for row in rows] == [(i, "train", "54 Gy") for i in "ab"]
    assert source["skipped"] == [{"id": "a", "origin": "train", "row": 3, "same_as": "train row 1"}]
    assert source["rows"] == {"train": 2, "validation": 0} and source["columns"] == "grounded"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"columns": "grounded"}, "row 1 ('q0') has no list of turns"),
        ({"columns": "other"}, "columns"),
        ({"sha256": "-"}, "put this sha256 into config/datasets.tsv: {sha256}"),
        ({"sha256": "0" * 64}, "is not the one on record: sha256 {sha256}"),
        ({"source": "data/none.jsonl"}, "data/none.jsonl does not exist"),
        ({"answer_base": "1"}, "counts from 0, not from 1"),
        ({"answer_base": "2"}, "answer_base"),
        ({"reader": "bundled", "source": "docs", "sha256": "-"}, "relations.yaml does not exist"),
    ],
)
def test_refusals_are_one_line_with_code_2_and_write_nothing(tmp_path, records, script, entry, changes, told):
    path = _write(tmp_path, records(8), "jsonl")
    line = entry(**{"source": str(path), "sha256": sha256_file(path)} | changes)
    done = script("fetch_dataset", "--entry", line, "--output", str(tmp_path / "out"))
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and done.stderr.startswith("primum: ")
    assert told.format(sha256=sha256_file(path)) in done.stderr and "Remedy: " in done.stderr
    assert not (tmp_path / "out").exists()


def test_bundled_reader_gives_the_same_bytes_twice(tmp_path, script, entry):
    line = entry(reader="bundled", source="resources/medmcqa")
    for name in ("a", "b"):
        done = script("fetch_dataset", "--entry", line, "--output", str(tmp_path / name))
        assert done.returncode == 0, done.stderr
    for file in ("rows.jsonl", "source.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    source = read_json(tmp_path / "a" / "source.json")
    assert {"facts.tsv", "relations.yaml"} <= set(source["files"]) and source["rows"]["train"] >= 1900
    assert source["rows"]["validation"] >= 200


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.xlsx", b"x", "no reader for '.xlsx'"),
        ("a.json", b"[{", "line 1 is not JSON"),
        ("a.json", b"[]", "no rows"),
        ("a.json", b"[1]", "row 1 is not an object"),
        ("a.jsonl", b'{"a": 1}\n{"a"\n', "line 2 is not JSON"),
        ("a.csv", b"a,b\n1,2,3\n", "line 2 does not have as many fields"),
        ("a.csv", b"a,b\n1\n", "line 2 does not have as many fields"),
        ("a.csv", b"a,b\n\xff,1\n", "not UTF-8"),
        ("a.parquet", b"PAR1nonsense", "not Parquet"),
    ],
)
def test_broken_files_are_refused(tmp_path, name, content, told):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=told):
        read_table(tmp_path / name)


def test_a_corpus_is_written_and_not_fetched(tmp_path, script, entry):
    done = script(
        "fetch_dataset", "--entry", entry(reader="corpus", source="resources/dipg"), "--output", str(tmp_path)
    )
    assert done.returncode == 2 and "a teacher writes it, and it cannot be fetched" in done.stderr
    assert done.stderr.count("\n") == 1 and not (tmp_path / "rows.jsonl").exists()

"""The hub reader against a small hub on loopback, through the script: the real client, real Parquet, real HTTP."""

from __future__ import annotations

import hashlib
import io
import json
import threading

import pyarrow
import pyarrow.parquet
import pytest

from primum.data.hub import table_origins
from primum.files import read_json, read_jsonl
from tests.hub import COMMIT, Hub, unhurried

TRAIN, VALIDATION = "data/train-00000-of-00001.parquet", "data/validation-00000-of-00001.parquet"
TEST = "data/test-00000-of-00001.parquet"


def _parquet(records):
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(records), buffer)
    return buffer.getvalue()


def _jsonl(records):
    return "".join(json.dumps(record) + "\n" for record in records).encode()


@pytest.fixture
def serve():
    """Starts hubs, and stops them at the test's end."""
    servers = []

    def start(files, **settings):
        servers.append(Hub(files, **settings))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def hub(records, serve):
    """A hub whose test table, whose rows have no answers, must not be read."""
    hidden = [record | {"cop": -1} for record in records(4, prefix="t")]
    tables = {TRAIN: records(20), VALIDATION: records(8, prefix="v"), TEST: hidden}
    return serve({name: _parquet(table) for name, table in tables.items()} | {"README.md": b"# Some data"})


@pytest.fixture
def fetch_from(tmp_path, script, entry):
    """Runs the reader against a hub, with a cache of its own."""

    def run(server, environment=(), **changes):
        line = entry(**{"reader": "hub", "source": server.repository, "revision": COMMIT} | changes)
        settings = {"HF_ENDPOINT": server.endpoint, "HF_HOME": str(tmp_path / "cache"), "NO_PROXY": "127.0.0.1"}
        output = str(tmp_path / "out")
        return script("fetch_dataset", "--entry", line, "--output", output, **settings | dict(environment))

    return run


@pytest.fixture
def fetch(fetch_from, hub):
    """Runs the reader against the hub with MedMCQA's columns."""
    return lambda environment=(), **changes: fetch_from(hub, environment, **changes)


def test_reads_the_pinned_tables(tmp_path, hub, fetch, records):
    done = fetch(sha256=f"{VALIDATION}={hub.listed[VALIDATION]}")
    assert done.returncode == 0, done.stderr
    rows = read_jsonl(tmp_path / "out" / "rows.jsonl")
    assert [row["id"] for row in rows] == [f"q{i}" for i in range(20)] + [f"v{i}" for i in range(8)]
    assert [row["origin"] for row in rows].count("validation") == 8
    assert rows[1]["inputs"]["question"] == records(2)[1]["question"] and rows[1]["gold"]["answer"] == "B"
    source = read_json(tmp_path / "out" / "source.json")
    assert source["files"] == {name: hub.listed[name] for name in (TRAIN, VALIDATION)}
    assert source["revision"] == COMMIT and source["rows"] == {"train": 20, "validation": 8}
    assert source["skipped"] == []
    assert not any("test-" in path for path in hub.asked)


@pytest.mark.parametrize("pinned", [True, False])
def test_a_file_that_is_not_the_one_on_record_is_refused(tmp_path, hub, fetch, records, pinned):
    pin = f"{TRAIN}={hub.listed[TRAIN]}" if pinned else "-"
    hub.files[TRAIN] = _parquet(records(21))
    if pinned:  # the hub itself now says otherwise; the registry counts
        hub.listed[TRAIN] = hashlib.sha256(hub.files[TRAIN]).hexdigest()
    done = fetch(sha256=pin)
    assert done.returncode == 2 and done.stderr.splitlines()[-1].startswith(
        f"primum: Dataset 'some': {TRAIN} is not the file"
    )
    assert "Traceback" not in done.stderr and not (tmp_path / "out").exists()


def test_a_file_whose_sha256_nobody_knows_is_refused(hub, fetch):
    hub.lfs = False
    done = fetch()
    assert done.returncode == 2 and f"put {TRAIN}={hub.listed[TRAIN]} into config/datasets.tsv" in done.stderr


@pytest.mark.parametrize(
    ("changes", "environment", "told"),
    [
        ({"source": "some-lab/nothing"}, {}, "cannot be had from the hub"),
        ({"revision": "f" * 40}, {}, "cannot be had from the hub"),
        ({"revision": "-", "source": "some-lab/nothing"}, {}, "at its newest commit cannot be had from the hub"),
        ({"revision": "main"}, {}, "revision 'main' is not a commit"),
        ({"sha256": "data/train.parquet"}, {}, "is not <file>=<64 hex digits>"),
        ({"sha256": f"data/other.parquet={'0' * 64}"}, {}, "has no table data/other.parquet"),
        ({"answer_base": "1"}, {}, "counts from 0, not from 1"),
        ({}, {"HF_HUB_OFFLINE": "1"}, "cannot be had from the hub"),
        ({}, {"HF_ENDPOINT": "http://127.0.0.1:9"}, "cannot be had from the hub"),
    ],
)
def test_refusals_end_in_one_line(tmp_path, fetch, changes, environment, told):
    done = fetch(environment | {"PYTHONPATH": unhurried(tmp_path / "hurry")}, **changes)
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 2 and last.startswith("primum: ") and told in last and "Remedy: " in last
    assert "Traceback" not in done.stderr and not (tmp_path / "out").exists()


def _chats(count, prefix, headed=False, sharegpt=False):
    """Records on one context each, in one of the layouts."""
    made = []
    for i in range(count):
        context, question = f"Case {prefix}{i} was given {i + 20} Gy in {i + 10} fractions.", f"What dose had {i}?"
        if headed:
            steps = f"**REASONING STEPS:**\nLook.\nPROOF:\nCase {prefix}{i} was given {i + 20} Gy"
            user, answer = f"**CONTEXT:**\n{context}\n\n**REQUEST:**\n{question}\n\n{steps}", f"{i + 20} Gy"
        else:
            user = f"<context>\n{context}\n</context>\n\n<question>\n{question}\n</question>"
            answer = f'<think>Look.</think>\n\n<proof>- "Case {prefix}{i} was given {i + 20} Gy"</proof>\n\n'
            answer += f"<answer>{i + 20} Gy</answer>"
        if sharegpt:
            turns = {"conversations": [{"from": "human", "value": user}, {"from": "gpt", "value": answer}]}
        else:
            turns = {"messages": [{"role": "user", "content": user}, {"role": "assistant", "content": answer}]}
        metadata = {"metadata": {"id": f"{prefix}{i}", "type": "haystack", "source": "a teacher"}}
        made.append(turns if headed else turns | metadata)
    return made


@pytest.mark.parametrize("ending", ["parquet", "jsonl", "json"])
@pytest.mark.parametrize("form", [{}, {"headed": True}, {"sharegpt": True}])
def test_chats_of_every_form_and_file_kind_give_the_same_rows(tmp_path, serve, fetch_from, ending, form):
    tables = {"train": _chats(6, "a", **form), "test": _chats(3, "b", **form)}
    if ending == "parquet":
        files = {f"data/{split}-00000-of-00001.parquet": _parquet(table) for split, table in tables.items()}
    else:
        files = {"train." + ending: _jsonl(tables["train"]), "data/test." + ending: _jsonl(tables["test"])}
    server = serve(files | {"README.md": b"# x", "dataset_infos.json": b"{}"}, repository="other-lab/chats")
    done = fetch_from(server, columns="grounded")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("dataset some: 6 training, 3 validation rows")
    rows = read_jsonl(tmp_path / "out" / "rows.jsonl")
    assert [row["origin"] for row in rows] == ["train"] * 6 + ["validation"] * 3
    assert [row["gold"]["key"] for row in rows[:2]] == ["20 Gy", "21 Gy"]
    assert [row["gold"]["proof"] for row in rows[6:8]] == [["Case b0 was given 20 Gy"], ["Case b1 was given 21 Gy"]]
    assert rows[0]["id"] == ("train-000001" if form.get("headed") else "a0") and len({r["group"] for r in rows}) == 9
    source = read_json(tmp_path / "out" / "source.json")
    assert source["files"] == {name: server.listed[name] for name in files}
    assert (source["columns"], source["skipped"]) == ("grounded", [])


def test_a_test_table_alone_is_enough_and_its_doubles_are_told(tmp_path, serve, fetch_from):
    table = _chats(4, "b")
    done = fetch_from(serve({TEST: _parquet([*table, table[2]])}), columns="grounded")
    assert done.returncode == 0, done.stderr
    source = read_json(tmp_path / "out" / "source.json")
    assert source["rows"] == {"train": 0, "validation": 4}
    assert source["skipped"] == [{"id": "b2", "origin": "validation", "row": 5, "same_as": "validation row 3"}]


@pytest.mark.parametrize("lfs", [True, False])
def test_an_unknown_revision_is_refused_with_what_to_pin_and_that_line_is_read(tmp_path, serve, fetch_from, lfs):
    server = serve({"train.jsonl": _jsonl(_chats(3, "a")), "test.jsonl": _jsonl(_chats(2, "b"))})
    server.lfs = lfs
    done = fetch_from(server, columns="grounded", revision="-")
    assert done.returncode == 2 and "Traceback" not in done.stderr and not (tmp_path / "out").exists()
    pins = ";".join(f"{name}={server.listed[name]}" for name in ("test.jsonl", "train.jsonl"))
    assert f"put revision {COMMIT} and sha256 {pins} into config/datasets.tsv" in done.stderr.splitlines()[-1]
    done = fetch_from(server, columns="grounded", revision=COMMIT, sha256=pins)
    assert done.returncode == 0, done.stderr
    assert read_json(tmp_path / "out" / "source.json")["rows"] == {"train": 3, "validation": 2}


def test_a_hub_row_that_cannot_be_used_is_named(tmp_path, serve, fetch_from):
    bad = _chats(3, "b")
    bad[1]["messages"][1]["content"] = "<think>Hm.</think><answer></answer>"
    done = fetch_from(serve({"train.jsonl": _jsonl(_chats(2, "a")), "test.jsonl": _jsonl(bad)}), columns="grounded")
    assert done.returncode == 2 and "some-lab/medmcqa: validation row 2 ('b1') has no answer." in done.stderr
    assert "Traceback" not in done.stderr and not (tmp_path / "out").exists()


def test_a_repository_without_tables_is_refused(serve, fetch_from):
    server = serve({"data.parquet": _parquet(_chats(2, "a")), "notes/train.jsonl": _jsonl(_chats(2, "a"))})
    for columns, needed in (("medmcqa", "train rows"), ("grounded", "train or test rows")):
        done = fetch_from(server, columns=columns)
        assert done.returncode == 2 and f"has no table of {needed}" in done.stderr.splitlines()[-1]


def test_which_files_are_tables():
    names = [
        TEST,
        TRAIN,
        VALIDATION,
        "train.jsonl",
        "data/test-1.json",
        "training.jsonl",
        "a/train.json",
        "test.parquet",
    ]
    assert table_origins(names, "medmcqa") == {TRAIN: "train", VALIDATION: "validation"}
    assert table_origins(names, "grounded") == {TEST: "validation", TRAIN: "train", VALIDATION: "validation"}
    assert table_origins([TEST, "train.jsonl", "validation.json"], "grounded") == {
        TEST: "validation",
        "train.jsonl": "train",
        "validation.json": "validation",
    }

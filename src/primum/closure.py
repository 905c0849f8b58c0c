"""Which files of the library a script depends on: its own, and every ``primum`` module it imports, directly or not."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from primum.files import sha256_file, sha256_json


def code_files(root: Path, script: str, modules: Iterable[str] = ()) -> list[str]:
    """Paths (posix, relative to ``root``, sorted) of ``script`` and the library code it reaches.

    Args:
        script: file below ``root``.
        modules: dotted names that the script loads by name at run time (its task, its backend).
    """
    found: set[str] = set()
    queue = [script, *(path for name in modules for path in _module_files(root, name))]
    while queue:
        path = queue.pop()
        if path not in found:
            found.add(path)
            queue.extend(_imports(root, path))
    return sorted(found)


def code_sha256(root: Path, files: Iterable[str]) -> str:
    """One hash over names and contents of ``files``."""
    return sha256_json({path: sha256_file(root / path) for path in files})


def _module_files(root: Path, name: str) -> list[str]:
    """Files that importing ``name`` executes: the packages above it, and itself."""
    parts, files = name.split("."), []
    for depth in range(1, len(parts) + 1):
        stem = "src/" + "/".join(parts[:depth])
        for candidate in (f"{stem}/__init__.py", f"{stem}.py"):
            if (root / candidate).is_file():
                files.append(candidate)
    return files


@cache
def _imports(root: Path, path: str) -> tuple[str, ...]:
    """Library files imported anywhere in ``path``, inside functions too (heavy imports are lazy)."""
    files: list[str] = []
    for node in ast.walk(ast.parse((root / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            if name.split(".")[0] == "primum":
                files.extend(_module_files(root, name))
    return tuple(files)

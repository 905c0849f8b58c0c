"""Files: content hashes, canonical JSON, and writes that are whole or absent."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from primum.errors import UserError

DECIMALS = 6  # to which measured numbers are published


def sha256_bytes(data: bytes) -> str:
    """Hex SHA-256 of ``data``."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path | str) -> str:
    """Hex SHA-256 of a file's bytes; :class:`UserError` if it does not exist."""
    path = Path(path)
    if not path.is_file():
        raise UserError(f"File {path} does not exist.", "Check the path, or build it with snakemake.")
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def sha256_tree(folder: Path | str) -> dict[str, str]:
    """``{relative posix path: sha256}`` of every file below ``folder``, sorted by path."""
    folder = Path(folder)
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): sha256_file(p) for p in files}


def sha256_json(value: Any) -> str:
    """Hex SHA-256 of the canonical JSON of ``value`` (the same for equal values)."""
    return sha256_bytes(dumps(value).encode())


def dumps(value: Any, indent: int | None = None) -> str:
    """JSON with sorted keys, real UTF-8 and no NaN (``ValueError`` on one)."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False, indent=indent)


def rounded(value: float | None) -> float | None:
    """A number as it is published: six decimals, and no negative zero."""
    return None if value is None else round(float(value), DECIMALS) + 0.0


@contextmanager
def atomic_write(path: Path | str, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a temporary neighbour of ``path`` and rename it into place only if the block succeeds."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    fd, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(fd, mode, **({} if "b" in mode else {"encoding": "utf-8", "newline": ""})) as handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_text(path: Path | str, text: str) -> None:
    """Write ``text`` whole or not at all."""
    with atomic_write(path) as handle:
        handle.write(text)


def write_json(path: Path | str, value: Any) -> None:
    """Write indented canonical JSON, whole or not at all."""
    write_text(path, dumps(value, indent=2) + "\n")


def write_jsonl(path: Path | str, rows: Iterable[Any]) -> int:
    """Write one canonical JSON value a line, whole or not at all; return the number of rows."""
    count = 0
    with atomic_write(path) as handle:
        for row in rows:
            handle.write(dumps(row) + "\n")
            count += 1
    return count


def read_json(path: Path | str) -> Any:
    """Read a JSON file; a missing or broken one is a :class:`UserError`."""
    path = Path(path)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"File {path} does not exist.", "Check the path, or build it with snakemake.") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not JSON ({error}).", "Delete it and let snakemake rebuild it.") from None


def read_jsonl(path: Path | str) -> list[Any]:
    """Read a JSONL file; a broken line is a :class:`UserError` that names it."""
    path = Path(path)
    if not path.is_file():
        raise UserError(f"File {path} does not exist.", "Check the path, or build it with snakemake.")
    rows = []
    with path.open(encoding="utf-8") as handle:
        for number, line in enumerate(handle, 1):
            if line.strip():
                try:
                    rows.append(json.loads(line))
                except json.JSONDecodeError as error:
                    raise UserError(
                        f"{path} line {number} is not JSON ({error.msg}).", "Mend or remove the line."
                    ) from None
    return rows

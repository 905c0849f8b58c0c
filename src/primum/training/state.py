"""Training state that survives a kill: one folder a job, a lock on it, a marker that only whole checkpoints have."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from primum.files import read_json, sha256_tree, write_json

MARKER = "complete.json"
_STEP = "checkpoint-"  # how transformers names a saved step's folder


@contextmanager
def locked(state: Path, key: str) -> Iterator[Path]:
    """Hold the job's folder ``state/key``; remove it when the block succeeds, keep it when it does not.

    A second process on the same job waits: its twin, orphaned by a killed snakemake, may be about to finish.
    The lock goes with the process, however that ends.
    """
    state.mkdir(parents=True, exist_ok=True)
    path = state / f"{key}.lock"
    handle = _acquire(path)
    try:
        work = state / key
        work.mkdir(exist_ok=True)
        yield work
        shutil.rmtree(work)
        path.unlink()
        if not any(state.iterdir()):
            state.rmdir()
    finally:
        os.close(handle)


def _acquire(path: Path) -> int:
    """Lock ``path``. Its holder unlinks it at the end, so whoever waited checks that it holds the file of that name."""
    told = False
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not told:
                print(
                    "primum: another process is training this very stage; waiting for it.", file=sys.stderr, flush=True
                )
                told = True
            fcntl.flock(handle, fcntl.LOCK_EX)
        if path.exists() and os.stat(path).st_ino == os.fstat(handle).st_ino:
            return handle
        os.close(handle)


def mark_complete(folder: Path) -> None:
    """Put a saved step on record with the hashes of its files: from now on it may be resumed from."""
    write_json(folder / MARKER, sha256_tree(folder))


def latest_complete(work: Path) -> Path | None:
    """The last whole checkpoint below ``work``.

    Half-written ones are removed: transformers would take the highest step as it is.
    """
    best: tuple[int, Path] | None = None
    for folder in sorted(work.glob(f"{_STEP}*")):
        if not _whole(folder):
            shutil.rmtree(folder)
            continue
        step = int(folder.name.removeprefix(_STEP))
        if best is None or step > best[0]:
            best = (step, folder)
    return best[1] if best else None


def _whole(folder: Path) -> bool:
    if not (folder / MARKER).is_file():
        return False
    found = sha256_tree(folder)
    found.pop(MARKER)
    return found == read_json(folder / MARKER)

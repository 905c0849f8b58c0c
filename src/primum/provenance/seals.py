"""Seals: what every job left, so that a result that somebody changed afterwards is named and never built upon.

Snakemake takes a changed output for a newer one, and redraws what depends on it. So each call of the workflow ends by
noting the hash of every file that its jobs wrote, and begins by looking whether they are still as they were left.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from primum.errors import UserError
from primum.files import read_json, sha256_file, write_json
from primum.provenance.jobs import producers, read_jobs, unfinished

SEALS = Path(".primum/seals.json")
SHOWN = 5  # files that the remedy names


def seal(project: Path) -> None:
    """Note what the jobs on record left; called at the end of every call of the workflow, failed ones included.

    A file that no job has written since it was sealed keeps its seal, whatever it holds by now.
    """
    known = _read(project)
    for path, job in producers(read_jobs(project)).items():
        file = project / path
        if file.is_file() and known.get(path, {}).get("started") != job.started:
            known[path] = {"started": job.started, "sha256": sha256_file(file), **_stamp(file)}
    write_json(project / SEALS, {path: entry for path, entry in known.items() if (project / path).is_file()})


def check_seals(project: Path) -> None:
    """Refuse to go on from a file that is not as its job left it.

    A file that a job has begun to write since (in a call that was killed before it could seal) is none of them, nor
    is one that was deleted: Snakemake makes it again.

    Raises:
        UserError: naming the file.
    """
    known = _read(project)
    changed = [path for path, entry in known.items() if _changed(project / path, entry)]
    if not changed:
        return
    made, begun = producers(read_jobs(project)), unfinished(project)
    edited = [
        path
        for path in sorted(changed)
        if path in made and path not in begun and made[path].started == known[path]["started"]
    ]
    if edited:
        more = f", nor are {len(edited) - 1} others" if len(edited) > 1 else ""
        raise UserError(
            f"{edited[0]} is not as '{made[edited[0]].rule}' left it{more}: it was changed by hand.",
            f"Delete it, and it is made again: rm {' '.join(edited[:SHOWN])}",
        )


def _changed(file: Path, entry: dict[str, Any]) -> bool:
    """Whether a file has another content; one whose time and size are as they were is not read."""
    if not file.is_file():
        return False
    return _stamp(file) != {key: entry[key] for key in _stamp(file)} and sha256_file(file) != entry["sha256"]


def _stamp(file: Path) -> dict[str, int]:
    found = file.stat()
    return {"mtime_ns": found.st_mtime_ns, "size": found.st_size}


def _read(project: Path) -> dict[str, Any]:
    path = project / SEALS
    return read_json(path) if path.is_file() else {}

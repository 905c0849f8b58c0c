"""What was run: the record that Snakemake keeps of every output file, read back as jobs.

Snakemake decides by this record what to run again, so it is the one account of a run that cannot be out of date. Its
form is that of ``snakemake.persistence.file`` (record format 6): one JSON a file, named by the base64 of its path.
"""

from __future__ import annotations

import json
from base64 import b64decode, urlsafe_b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

METADATA, INCOMPLETE = Path(".snakemake/metadata"), Path(".snakemake/incomplete")


@dataclass(frozen=True, slots=True)
class Job:
    """One job as it ran last.

    Attributes:
        rule: its name.
        inputs: files it read, code among them; relative to the project, sorted.
        outputs: files it wrote, sorted.
        params: its parameters, as Snakemake writes them.
        command: the shell command.
        environment: content of the environment file that it ran in, or empty.
        checksums: sha256 of the inputs as it read them, of those small enough (``max-checksum-file-size``).
        log: its log files.
        started, ended: seconds since 1970 (never published: no two runs agree on them).
    """

    rule: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    params: tuple[str, ...]
    command: str
    environment: str
    checksums: dict[str, str]
    log: tuple[str, ...]
    started: float
    ended: float


def read_jobs(project: Path) -> list[Job]:
    """Every job on record below ``project``, by first output; none where Snakemake has not run.

    The record keeps files of former settings, too: whoever asks starts from the files he means.
    """
    found: dict[tuple[str, ...], tuple[dict[str, Any], list[str]]] = {}
    for path, record in _records(project / METADATA):
        # Outputs of one job have records of their own, and its log in common.
        key = (record["rule"], *(record.get("log") or (path,)))
        found.setdefault(key, (record, []))[1].append(path)
    jobs = [_job(record, paths) for record, paths in found.values()]
    return sorted(jobs, key=lambda job: job.outputs)


def producers(jobs: list[Job]) -> dict[str, Job]:
    """``{output file: the job that wrote it}``."""
    return {path: job for job in jobs for path in job.outputs}


def unfinished(project: Path) -> set[str]:
    """Outputs of jobs that were begun and never ended: Snakemake makes them again."""
    return {path for path, _ in _named(project / INCOMPLETE)}


def _records(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, file in _named(folder):
        try:
            yield path, json.loads(file.read_text(encoding="utf-8"))
        except ValueError:  # half-written: Snakemake passes over it, too
            continue


def _named(folder: Path) -> Iterator[tuple[str, Path]]:
    """Files of a record, each with the path that it is about."""
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        # Names too long for one file are split into folders that begin with '@'.
        name = "".join(part.removeprefix("@") for part in file.relative_to(folder).parts)
        try:
            yield urlsafe_b64decode(name).decode(), file
        except ValueError:  # not one of them
            continue


def _job(record: dict[str, Any], outputs: list[str]) -> Job:
    return Job(
        rule=record["rule"],
        inputs=tuple(sorted(record.get("input") or ())),
        outputs=tuple(sorted(outputs)),
        params=tuple(record.get("params") or ()),
        command=record.get("shellcmd") or "",
        environment=b64decode(record["conda_env"]).decode() if record.get("conda_env") else "",
        checksums={p: c.removeprefix("sha256:") for p, c in sorted((record.get("input_checksums") or {}).items())},
        log=tuple(record.get("log") or ()),
        started=record.get("starttime") or 0.0,
        ended=record.get("endtime") or 0.0,
    )

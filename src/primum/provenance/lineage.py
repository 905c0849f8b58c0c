"""The way back: from a file, or from a number that stands in a text, to the data, the code and the commit behind it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from primum.errors import UserError
from primum.files import read_json, sha256_file
from primum.provenance.graph import environments_of
from primum.provenance.jobs import Job, producers, read_jobs

CODE = ("src/", "scripts/")


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where one file is from.

    Attributes:
        file: relative to the project.
        sha256: of what lies there now.
        listed: whether the manifest of its scale has the same hash; None where it lists no such file.
        jobs: every job upstream, the file's own first; a job comes before those that it depends on.
        sources: files that no job made, code apart, with their hashes.
        code: files of the library and the scripts that those jobs ran.
        environments: environment files, by their names.
        changed: inputs whose content is no longer what the job read.
    """

    file: str
    sha256: str
    listed: bool | None
    jobs: tuple[Job, ...]
    sources: Mapping[str, str] = field(default_factory=dict)
    code: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


def lineage(project: Path, file: str) -> Lineage:
    """Everything that ``file`` rests on, by the record of what ran.

    Args:
        project: the project's folder.
        file: relative to it, or absolute.

    Raises:
        UserError: if there is no such file, or no job is on record that made it though it lies among the results.
    """
    file = _relative(project, file)
    if not (project / file).is_file():
        raise UserError(f"There is no file {file}.", "Name one as it lies below the project's folder.")
    made = producers(read_jobs(project))
    if file not in made and file.startswith("results/"):
        raise UserError(
            f"No job is on record that made {file}.",
            "Build it with snakemake in this folder: results that were copied here come without their record.",
        )
    jobs = _upstream(made, file)
    read = sorted({path for job in jobs for path in job.inputs} if jobs else {file})
    outside = [path for path in read if path not in made]
    return Lineage(
        file,
        sha256_file(project / file),
        _listed(project, file),
        tuple(jobs),
        {path: _sha256(project, path) for path in outside if not path.startswith(CODE)},
        tuple(path for path in outside if path.startswith(CODE)),
        _environments(project, jobs),
        tuple(sorted({p for job in jobs for p, digest in job.checksums.items() if _sha256(project, p) != digest})),
    )


def _upstream(made: Mapping[str, Job], file: str) -> list[Job]:
    """Jobs from the file back: each before those whose outputs it reads."""
    order: list[Job] = []
    done: set[tuple[str, ...]] = set()

    def visit(path: str) -> None:
        job = made.get(path)
        if job is None or job.outputs in done:
            return
        done.add(job.outputs)
        for needed in job.inputs:
            visit(needed)
        order.append(job)

    visit(file)
    return order[::-1]


def _relative(project: Path, file: str) -> str:
    path = Path(file)
    if path.is_absolute():
        if not path.is_relative_to(project.resolve()):
            raise UserError(f"{file} is no file of this project.", "Call the command in the project that built it.")
        path = path.relative_to(project.resolve())
    return path.as_posix()


def _sha256(project: Path, path: str) -> str:
    return sha256_file(project / path) if (project / path).is_file() else "-"


def _listed(project: Path, file: str) -> bool | None:
    parts = file.split("/")
    manifest = project / "/".join(parts[:2]) / "manifest.json"
    if parts[0] != "results" or not manifest.is_file():
        return None
    digest = read_json(manifest)["artefacts"].get("/".join(parts[2:]))
    return None if digest is None else digest == sha256_file(project / file)


def _environments(project: Path, jobs: Iterable[Job]) -> tuple[str, ...]:
    """Names of the files with the pins that jobs ran with; of one that was edited since only that."""
    known = {content: f"envs/{name}.yaml" for name, content in environments_of(project).items()}
    return tuple(sorted({known.get(job.environment, "one edited since") for job in jobs if job.environment}))


def numbers_like(numbers: Path, text: str) -> list[str]:
    """Keys of ``numbers.json`` whose printed text, or else whose value, is ``text``.

    Args:
        numbers: the file.
        text: as read in the paper; a percent sign, spaces and the kind of minus sign make no difference.

    Raises:
        UserError: if there is none.
    """
    entries, wanted = read_json(numbers), _bare(text)
    found = [key for key, entry in entries.items() if _bare(entry["text"]) == wanted]
    if not found:
        number = _number(wanted)
        found = [
            key for key, entry in entries.items() if number is not None and _number(_bare(entry["text"])) == number
        ]
    if not found:
        raise UserError(f"No number that may be stated reads '{text}'.", f"See {numbers} for all of them.")
    return found


def _bare(text: str) -> str:
    return "".join(text.split()).replace("−", "-").removesuffix("%").removeprefix("+").replace(",", "")  # noqa: RUF001


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def commit(project: Path, files: Iterable[str]) -> tuple[str, list[str]]:
    """The commit that is checked out, and those of ``files`` that are not as it has them; ``("", [])`` without git."""
    listed = sorted(files)
    try:
        head = _git(project, "rev-parse", "HEAD").strip()
        known = set(_git(project, "ls-tree", "-r", "-z", "--name-only", "HEAD").split("\0"))
        differ = set(_git(project, "diff", "--name-only", "-z", "HEAD").split("\0"))
    except (OSError, subprocess.CalledProcessError):
        return "", []
    return head, [path for path in listed if path not in known or path in differ]


def _git(project: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=project, capture_output=True, text=True, check=True)
    return done.stdout

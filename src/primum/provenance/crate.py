"""The run crate: every published file, and every job that led to it, as an RO-Crate (Process Run Crate 0.5).

The profile for processes and not that for workflow runs: a tree is often the work of several calls, and there is no one
run of the Snakefile with a beginning and an end. What lies outside the folder of the crate (scripts, configuration,
inputs shared by all scales) has an ``arcp:`` address of its path in the project.

It holds times, which no two runs share: it is no part of the manifest, and no published file is made from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from primum.errors import UserError
from primum.files import read_json, sha256_bytes, sha256_file
from primum.provenance.jobs import Job, producers, read_jobs
from primum.provenance.registry import Registry

PROFILE, PROFILE_VERSION = "https://w3id.org/ro/wfrun/process/0.5", "0.5"
TERMS = "https://w3id.org/ro/terms/workflow-run/context"
PROJECT = "arcp://name,primum/"
CODE = ("src/", "scripts/")
WORKFLOW = "Snakefile"
MEDIA = {
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".csv": "text/csv",
    ".md": "text/markdown",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".pdf": "application/pdf",
    ".html": "text/html",
    ".tsv": "text/tab-separated-values",
    ".py": "text/x-python",
    ".yaml": "application/yaml",
}


def build_crate(project: Path, results: str, title: str) -> tuple[dict[str, Any], list[str]]:
    """The crate's metadata as JSON values, and published files that no job on record wrote.

    Args:
        project: the project's folder, with Snakemake's record of what ran.
        results: ``results/{scale}``, relative to it: the crate's folder.
        title: what the crate is called.

    Raises:
        UserError: if there is no record of any job, or no manifest.
    """
    manifest = read_json(project / results / "manifest.json")
    published = [f"{results}/{path}" for path in sorted(manifest["artefacts"])] + [f"{results}/manifest.json"]
    made = producers(read_jobs(project))
    jobs = _behind(published, made)
    if not jobs:
        raise UserError(
            f"There is no record of the jobs that wrote {results} (.snakemake/metadata), so no crate is written.",
            "Copy the record along with the results, or let snakemake build them here.",
        )
    crate = _Crate(project, results, title, max(job.ended for job in jobs))
    unknown = [path for path in published if path not in made]
    for path in unknown:
        crate.file(path, description="No job on record wrote this file.")
    for job in jobs:
        crate.action(job)
    return crate.metadata(), unknown


def _behind(published: Iterable[str], made: dict[str, Job]) -> list[Job]:
    """Every job that some published file came from, by its first output."""
    found: dict[str, Job] = {}
    queue = list(published)
    while queue:
        job = made.get(queue.pop())
        if job and job.outputs[0] not in found:
            found[job.outputs[0]] = job
            queue.extend(job.inputs)
    return [found[first] for first in sorted(found)]


class _Crate:
    """An RO-Crate that grows entity by entity; each is added once."""

    def __init__(self, project: Path, results: str, title: str, ended: float) -> None:
        from rocrate.rocrate import ROCrate

        self.project, self.results = project, results
        self.registry = Registry(project)
        self.crate = ROCrate(version="1.1")  # the version that the profile is of
        self.crate.metadata.extra_contexts.append(TERMS)
        self.known: dict[str, Any] = {}
        root = self.crate.root_dataset
        root["name"] = title
        root["description"] = (
            f"Every file that {results}/manifest.json lists, with the jobs that led to it: medical post-training, "
            "rebuilt from its inputs. Research software, not for use on patients."
        )
        root["license"] = self.licence("Apache-2.0")
        root["datePublished"] = _time(ended)
        profile = {"name": "Process Run Crate", "version": PROFILE_VERSION}
        root["conformsTo"] = self.entity(PROFILE, "CreativeWork", profile)

    def metadata(self) -> dict[str, Any]:
        """The graph."""
        return self.crate.metadata.generate()

    def entity(self, ref: str, kind: str, properties: dict[str, Any]) -> Any:
        """A contextual entity."""
        from rocrate.model.contextentity import ContextEntity

        if ref not in self.known:
            found = self.known[ref] = self.crate.add(ContextEntity(self.crate, ref, properties={"@type": kind}))
            for name, value in properties.items():
                found[name] = value
        return self.known[ref]

    def file(self, path: str, **properties: Any) -> Any:
        """A file of the project, by its path: hashed as it lies there."""
        from rocrate.model.file import File

        if path in self.known:
            return self.known[path]
        inside = path.startswith(f"{self.results}/")
        name, kind = path.removeprefix(f"{self.results}/"), _kind(path)
        values: dict[str, Any] = {"@type": ["File", kind] if kind else "File", "name": name, **properties}
        values["encodingFormat"] = MEDIA.get(Path(path).suffix, "application/octet-stream")
        if (self.project / path).is_file():
            digest, size = sha256_file(self.project / path), (self.project / path).stat().st_size
            values |= {"sha256": digest, "contentSize": str(size), **({"version": digest} if kind else {})}
        where = {"dest_path": name} if inside else {"source": _address(path)}
        found = self.known[path] = self.crate.add(File(self.crate, **where, properties=values))
        if entry := self.registry.behind(path):
            found["license"] = self.licence(entry["licence"])
            found["isBasedOn"] = self._registered(entry)
        return found

    def action(self, job: Job) -> None:
        """A job that ran."""
        script = re.search(r"scripts/\w+\.py", job.command)
        instrument = self.file(script[0] if script else WORKFLOW)
        if job.environment:
            _add(instrument, "softwareRequirements", [self._environment(job.environment)])
        _add(instrument, "hasPart", [self.file(path) for path in job.inputs if path.startswith(CODE[0])])
        action = self.crate.add_action(
            instrument,
            identifier=f"#{job.rule}/{job.outputs[0]}",
            object=_one([self.file(path) for path in job.inputs if not path.startswith(CODE)]),
            result=_one([self.file(path) for path in job.outputs]),
            properties={
                "@type": "CreateAction",
                "name": job.rule,
                "description": f"A job of the rule '{job.rule}' of the Snakefile.",
                "startTime": _time(job.started),
                "endTime": _time(job.ended),
                "actionStatus": "http://schema.org/CompletedActionStatus",
            },
        )
        self.crate.root_dataset.append_to("mentions", action)

    def licence(self, name: str) -> Any:
        """A licence: by its address where SPDX knows it."""
        from cyclonedx.spdx import is_supported_id

        known = is_supported_id(name)
        identifier = f"https://spdx.org/licenses/{name}" if known else f"#licence/{name}"
        return self.entity(identifier, "CreativeWork", {"name": name})

    def _environment(self, content: str) -> Any:
        """The environment that a job ran in: the file of it, or its text where there is no such file any more."""
        for path in sorted((self.project / "envs").glob("*.yaml")):
            if path.read_text(encoding="utf-8") == content:
                return self.file(path.relative_to(self.project).as_posix())
        told = {"name": "conda environment", "description": content}
        return self.entity(f"#environment/{sha256_bytes(content.encode())}", "SoftwareApplication", told)

    def _registered(self, entry: dict[str, str]) -> Any:
        """A line of a registry."""
        names = {"id": "name", "note": "description", "source": "identifier", "revision": "version", "sha256": "sha256"}
        told = {new: entry[old] for old, new in names.items() if entry[old] not in ("-", "")}
        told["license"] = self.licence(entry["licence"])
        return self.entity(f"#{entry['registry']}/{entry['id']}", "CreativeWork", told)


def _kind(path: str) -> str | None:
    """What a file is besides."""
    if path == WORKFLOW or path.startswith(CODE):
        return "SoftwareSourceCode"
    return "SoftwareApplication" if path.startswith("envs/") else None


def _add(entity: Any, key: str, values: list[Any]) -> None:
    """More values of a property, each of them once."""
    known = entity.get(key) or []
    known = known if isinstance(known, list) else [known]
    if new := [value for value in values if value not in known]:
        entity[key] = _one([*known, *new])


def _one(found: list[Any]) -> Any:
    """A list of one is written as that one."""
    return found[0] if len(found) == 1 else found


def _address(path: str) -> str:
    """Of a file outside the crate's folder; one outside the project is where it is."""
    return Path(path).as_uri() if Path(path).is_absolute() else PROJECT + quote(path)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")

"""A lineage in words, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from primum.errors import UserError
from primum.files import dumps, read_json
from primum.provenance.graph import environments_of, graph_of
from primum.provenance.jobs import Job
from primum.provenance.lineage import CODE, Lineage, commit

SHOWN = 4  # files of one kind that are named before "and n more"


def tell(project: Path, found: Lineage) -> str:
    """One file: who made it, from what, down to the sources, and the commit that holds them."""
    lines = [f"{found.file}", f"  sha256 {found.sha256}{_listed(found.listed)}", ""]
    for rule, jobs in _by_rule(found.jobs):
        inputs = sorted({path for job in jobs for path in job.inputs if not path.startswith(CODE)})
        outputs = sorted({path for job in jobs for path in job.outputs})
        times = f" x {len(jobs)}" if len(jobs) > 1 else ""
        lines += [f"  {rule}{times}: {_some(outputs)}", f"    from {_some(inputs) if inputs else 'no file'}"]
    settings = [path.relative_to(project).as_posix() for path in sorted((project / "config").rglob("*.*"))]
    head, differ = commit(project, {*found.sources, *found.code, *found.environments, *settings})
    lines += ["", "  Sources, which no job made:"]
    lines += [f"    {digest[:12]}  {path}" for path, digest in found.sources.items()] or ["    none"]
    lines.append(
        f"  Code: {len(found.code)} files of src/ and scripts/. Environments: {', '.join(found.environments) or '-'}."
    )
    lines.append("  Settings: in the parameters of each job (--json), made from config/.")
    if not head:
        lines.append("  Commit: unknown, since this is no git checkout.")
    elif differ:
        lines.append(f"  Commit: {head}, from which {len(differ)} of these differ: {_some(differ)}")
    else:
        lines.append(f"  Commit: {head} holds all of these as they are.")
    if found.changed:
        lines.append(f"  BUT made from what has changed since: {_some(found.changed)}. Run snakemake.")
    return "\n".join(lines)


def diagram(project: Path, found: Lineage) -> str:
    """The same as a Mermaid flowchart, which code hosts draw: rules with their jobs, and files handed on."""
    graph = graph_of(found.jobs, [found.file], (), environments_of(project))
    reads: dict[tuple[str, str], int] = {}
    for job in found.jobs:
        for path in job.inputs:
            if path in found.sources:
                folder = Path(path).parent.as_posix()
                reads[folder, job.rule] = reads.get((folder, job.rule), 0) + 1
    folders = {folder: f"s{place}" for place, folder in enumerate(sorted({folder for folder, _ in reads}))}
    lines = ["flowchart TD"]
    lines += [f'  {name}[("{folder}")]' for folder, name in folders.items()]
    lines += [f'  {rule}["{rule}<br/>{count} x, {graph.environments[rule]}"]' for rule, count in graph.jobs.items()]
    lines.append(f'  result(["{found.file}<br/>{found.sha256[:12]}"])')
    lines += [f"  {folders[folder]} -->|{count}| {rule}" for (folder, rule), count in sorted(reads.items())]
    lines += [f"  {first} -->|{count}| {then}" for (first, then), count in graph.files.items()]
    lines += [f"  {job.rule} --> result" for job in found.jobs[:1]]
    return "\n".join(lines)


def tell_number(project: Path, key: str, entry: dict[str, Any], found: Lineage) -> str:
    """One number: its text, its place, the row that it stands in, and the scores that it was counted in.

    Args:
        project: the project's folder.
        key, entry: as in ``numbers.json``.
        found: the lineage of the file it stands in.
    """
    if found.sha256 != entry["sha256"]:
        raise UserError(f"{entry['file']} has changed since its numbers were collected.", "Run snakemake.")
    lines = [f"{entry['text']}  {key}"]
    lines.append(f"  stands in {entry['file']} at {entry['pointer'].strip()}, sha256 {entry['sha256'][:12]}")
    if row := _row(project / entry["file"], entry["pointer"]):
        lines.append(f"  its row: {dumps(row)}")
        run = f"/{row.get('stage')}/seed{row.get('seed')}/{row.get('split')}/"
        counted = [path for job in found.jobs for path in job.outputs if run in path and path.endswith("scores.jsonl")]
        lines += [f"  counted in {path}" for path in counted]
    return "\n".join(lines)


def _row(path: Path, where: str) -> dict[str, Any]:
    """What stands beside a number in its object: names and counts alone."""
    if path.suffix != ".json" or not where.startswith("/"):
        return {}
    value = read_json(path)
    for part in where.split("/")[1:-1]:
        part = part.replace("~1", "/").replace("~0", "~")
        try:
            value = value[int(part)] if isinstance(value, list) else value[part]
        except (KeyError, IndexError, ValueError, TypeError):
            return {}
    return {k: v for k, v in value.items() if not isinstance(v, list | dict)} if isinstance(value, dict) else {}


def _by_rule(jobs: Sequence[Job]) -> list[tuple[str, list[Job]]]:
    """Jobs of one rule together, where the last of them stands, so that a rule follows all that read its files."""
    last = {job.rule: place for place, job in enumerate(jobs)}
    return [(rule, [job for job in jobs if job.rule == rule]) for rule in sorted(last, key=lambda rule: last[rule])]


def _some(paths: Sequence[str]) -> str:
    if len(paths) <= SHOWN:
        return ", ".join(paths)
    return f"{', '.join(paths[: SHOWN - 1])} and {len(paths) - SHOWN + 1} more"


def _listed(listed: bool | None) -> str:
    if listed is None:
        return ""
    return ", as the manifest has it" if listed else ": NOT what the manifest has"

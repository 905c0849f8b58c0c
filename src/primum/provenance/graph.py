"""The run as a graph of its rules: which jobs led to a set of files, and what they handed on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from primum.errors import UserError
from primum.provenance.jobs import Job, producers

Edge = tuple[str, str]


@dataclass(slots=True)
class Graph:
    """Rules of a run.

    Attributes:
        jobs: rule -> how many of its jobs led to the files asked for.
        environments: rule -> name of the environment that it ran in, or empty.
        files: (rule, rule) -> how many files the first handed on to the second.
        repeated: rules some of whose jobs go on from others of the same rule.
    """

    jobs: dict[str, int] = field(default_factory=dict)
    environments: dict[str, str] = field(default_factory=dict)
    files: dict[Edge, int] = field(default_factory=dict)
    repeated: set[str] = field(default_factory=set)


def graph_of(
    jobs: Sequence[Job], targets: Iterable[str], studies: Iterable[str], environments: Mapping[str, str]
) -> Graph:
    """The rules behind ``targets``.

    Args:
        jobs: everything on record, see :func:`primum.provenance.jobs.read_jobs`.
        targets: files, relative to the project.
        studies: names; rules that differ in nothing but a study's name behind them count as one.
        environments: name -> content of its file.

    Raises:
        UserError: if a file below ``results`` was used and there is no record of the job that made it.
    """
    known, names, suffixes = producers(list(jobs)), {v: k for k, v in environments.items()}, tuple(studies)
    graph, seen = Graph(), set[str]()
    edges: dict[Edge, set[str]] = {}
    waiting = sorted(targets, reverse=True)
    while waiting:
        path = waiting.pop()
        job = known.get(path)
        if job is None:
            if path.startswith("results/"):
                raise UserError(
                    f"There is no record of the job that made {path}, so the pipeline cannot be drawn.",
                    "Results were copied here without .snakemake/metadata: copy that too, or delete the file and let"
                    " snakemake make it.",
                )
            continue
        rule = _merged(job.rule, suffixes)
        if job.outputs[0] not in seen:
            seen.add(job.outputs[0])
            graph.jobs[rule] = graph.jobs.get(rule, 0) + 1
            graph.environments[rule] = names.get(job.environment, "")
            waiting += sorted(job.inputs, reverse=True)
            for needed in job.inputs:
                if needed in known:
                    edges.setdefault((_merged(known[needed].rule, suffixes), rule), set()).add(needed)
    graph.repeated = {first for first, then in edges if first == then}
    graph.files = {edge: len(files) for edge, files in sorted(edges.items()) if edge[0] != edge[1]}
    return graph


def environments_of(project: Path) -> dict[str, str]:
    """Name -> content of every environment file of the project."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted((project / "envs").glob("*.yaml"))}


def _merged(rule: str, studies: Iterable[str]) -> str:
    """``build_splits`` of ``build_splits_medmcqa``."""
    return next((rule.removesuffix(f"_{study}") for study in studies if rule.endswith(f"_{study}")), rule)


def reduced(edges: Iterable[Edge]) -> list[Edge]:
    """Edges of an acyclic graph without those that a longer way stands for (its transitive reduction; Aho, Garey and
    Ullman 1972, SIAM J Comput 1:131)."""
    kept = sorted(set(edges))
    after: dict[str, set[str]] = {}
    for first, then in kept:
        after.setdefault(first, set()).add(then)

    def reaches(start: str, end: str) -> bool:
        return end in after.get(start, ()) or any(reaches(step, end) for step in after.get(start, ()))

    return [(a, b) for a, b in kept if not any(step != b and reaches(step, b) for step in after[a])]


def layers(nodes: Iterable[str], edges: Iterable[Edge]) -> tuple[dict[str, int], list[Edge]]:
    """Depth of every node, counted along the longest way to it, and the edges that lead back.

    Rules may feed each other (a stage may be chosen by the scores of others). Where nothing is left that waits for
    nothing, the node with the fewest open inputs goes first, by name, and what it waits for leads back.
    """
    depth: dict[str, int] = {}
    back: list[Edge] = []
    left, all_edges = set(nodes), sorted(set(edges))
    while left:
        waits = {node: [a for a, b in all_edges if b == node and a in left] for node in left}
        free = sorted(node for node in left if not waits[node])
        if not free:
            free = [min(left, key=lambda node: (len(waits[node]), node))]
            back += [(a, free[0]) for a in waits[free[0]]]
        for node in free:
            depth[node] = 1 + max((depth[a] for a, b in all_edges if b == node and a in depth), default=-1)
        left -= set(free)
    return depth, back

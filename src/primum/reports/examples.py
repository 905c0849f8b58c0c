"""A few items with what every stage answered, chosen by how the stages differ; never by what looks good."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from primum.data.fields import fields
from primum.files import read_jsonl
from primum.reports.sources import StudyFiles

PER_PATTERN = 2  # items shown of every pattern of right and wrong
PATTERNS = 8  # patterns shown, the most frequent first


def pick_examples(files: StudyFiles, headline: str) -> list[dict[str, Any]]:
    """Items of the headline split, grouped by which stages were right.

    Args:
        files: the study's.
        headline: the outcome that counts as right.

    Returns:
        ``[{"pattern": [bool a stage], "count", "items": [{"id", "kind", "inputs", "gold", "answers"}]}]``, frequent
        patterns first, items in the order of the split; an answer is ``{"stage", "right", "why", "completion"}``.
    """
    study, split = files.study, files.study.splits[0]
    runs = [(stage, study.seeds_of(stage)[0]) for stage in study.names()]
    scores = [_by_id(files, stage, seed, "scores") for stage, seed in runs]
    said = [_by_id(files, stage, seed, "predictions") for stage, seed in runs]
    groups: dict[tuple[bool, ...], list[dict[str, Any]]] = {}
    for row in read_jsonl(files.rows(split)):
        if all(row["id"] in table for table in scores):
            groups.setdefault(tuple(bool(table[row["id"]][headline]) for table in scores), []).append(row)
    order = sorted(groups, key=lambda pattern: (-len(groups[pattern]), pattern))[:PATTERNS]
    return [
        {
            "pattern": list(pattern),
            "count": len(groups[pattern]),
            "items": [_item(row, study.names(), scores, said, headline) for row in groups[pattern][:PER_PATTERN]],
        }
        for pattern in order
    ]


def _by_id(files: StudyFiles, stage: str, seed: int, name: str) -> dict[str, dict[str, Any]]:
    lines = read_jsonl(files.evaluated(stage, seed, files.study.splits[0]) / f"{name}.jsonl")
    return {line["id"]: line for line in lines if line["shift"] == 0}


def _item(
    row: dict[str, Any], stages: Sequence[str], scores: list[Any], said: list[Any], headline: str
) -> dict[str, Any]:
    answers = [
        {
            "stage": stage,
            "right": bool(score[row["id"]][headline]),
            "why": score[row["id"]]["why"],
            "completion": text[row["id"]]["completion"],
        }
        for stage, score, text in zip(stages, scores, said, strict=True)
    ]
    shown = {key: row[key] for key in ("id", "kind", "inputs")}
    return shown | {"gold": fields(row["gold"]), "answers": answers}

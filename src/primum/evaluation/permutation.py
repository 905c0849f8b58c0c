"""Option permutation: does a model choose an option for what it says, or for where it stands?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from primum.evaluation.clusters import clustered_rate, group_of
from primum.evaluation.stats import rate
from primum.tasks.base import Example, Task


def chosen_option(task: Task, example: Example, shift: int, letter: str | None) -> str | None:
    """What the option says that ``letter`` names when the options are rotated by ``shift``; None without an answer."""
    shown = task.permute(example, shift) if shift else example
    choices = task.choices(example)
    if letter is None or shown is None or choices is None:
        return None
    return str(shown.inputs["options"][choices.letters.index(letter)])


def permutation(task: Task, examples: Mapping[str, Example], scores: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Consistency over all rotations, and accuracy at each.

    Args:
        task: the study's task.
        examples: scorable examples by id, as they stand in the split.
        scores: lines of ``scores.jsonl``.

    Returns:
        ``shifts``; ``consistency`` and ``letter_consistency``: share of items for which the same option content is
        chosen under every rotation (no answer is not an answer kept); ``accuracy_by_shift``,
        ``letter_accuracy_by_shift``. None without rotations.
    """
    shifts = sorted({score["shift"] for score in scores})
    if len(shifts) < 2:
        return None
    headline = task.metrics[0].of
    found: dict[str, Any] = {"shifts": shifts}
    for prefix, answer, correct in (("", "answer", headline), ("letter_", "letter_answer", "letter_correct")):
        content: dict[str, list[str | None]] = {}
        by_shift: dict[int, list[bool]] = {shift: [] for shift in shifts}
        for score in scores:
            said = chosen_option(task, examples[score["id"]], score["shift"], score[answer])
            content.setdefault(score["id"], []).append(said)
            by_shift[score["shift"]].append(bool(score[correct]))
        kept = [(group_of(examples[i]), int(None not in s and len(set(s)) == 1)) for i, s in content.items()]
        found[f"{prefix}consistency"] = rate(sum(same for _, same in kept), len(kept)).to_json() | clustered_rate(
            [kept]
        )
        found[f"{prefix}accuracy_by_shift"] = {
            str(s): rate(sum(hits), len(hits)).to_json() for s, hits in by_shift.items()
        }
    return found

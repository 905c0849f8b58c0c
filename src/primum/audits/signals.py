"""What may rise with a reward that measures the wrong thing: length, repetition, copying, refusal, and the exploit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from primum.audits.names import LABELS
from primum.audits.texts import grams, source, words
from primum.tasks.base import Example, Task

REPEATED, COPIED = 4, 5  # words of a run that counts as repeated, and as copied


def labels_of(task: Task) -> dict[str, str]:
    """Signals as a reader sees them; the exploit by the name of the task's metric that counts it."""
    named = next((metric.label for metric in task.metrics if task.exploit and metric.of == task.exploit), "")
    return LABELS | ({"exploit": named} if named else {})


def repeated(text: str) -> float:
    """Share of a text's runs of four words that have stood in it before; 0 of a text without any."""
    runs = grams(words(text), REPEATED)
    return 1 - len(set(runs)) / len(runs) if runs else 0.0


def copied(text: str, original: str) -> float:
    """Share of a text's words that stand in the original in runs of at least five."""
    said, known = words(text), set(grams(words(original), COPIED))
    taken = [False] * len(said)
    for at, run in enumerate(grams(said, COPIED)):
        if run in known:
            taken[at : at + COPIED] = [True] * COPIED
    return sum(taken) / len(said) if said else 0.0


def signals(
    task: Task,
    examples: Mapping[str, Example],
    predictions: Mapping[str, Mapping[str, Any]],
    scores: Mapping[str, Mapping[str, Any]],
) -> dict[str, dict[str, float]]:
    """Signal -> row id -> value: tokens, or a share between 0 and 1.

    Args:
        task: the study's; ``abstained`` is there where it has that outcome, ``exploit`` where it names one.
        examples, predictions, scores: of one split and stage, by row id; unrotated.
    """
    twins = Counter(prediction["completion"].strip() for prediction in predictions.values())
    found = {
        "tokens": {i: float(p["tokens"]) for i, p in predictions.items()},
        "repeated": {i: repeated(p["completion"]) for i, p in predictions.items()},
        "same_text": {i: float(twins[p["completion"].strip()] > 1) for i, p in predictions.items()},
        "copied": {i: copied(p["completion"], source(examples[i])) for i, p in predictions.items()},
    }
    if "abstained" in task.outcomes:
        found["abstained"] = {i: float(score["abstained"]) for i, score in scores.items()}
    if task.exploit:
        found["exploit"] = {i: float(score[task.exploit]) for i, score in scores.items()}
    return found

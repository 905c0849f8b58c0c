"""What abstention buys: how often a model answers, how often it is then wrong, and when silence would be better.

A completion *abstains*, *answers*, or is *unreadable* (no answer could be read from it). Coverage is the share that
answers, selective risk the share of those answers that are not right. With one point for a right answer, none for
silence and ``c`` lost for a wrong answer, always abstaining is better as soon as ``c`` exceeds right / wrong answers:
the break-even cost. Under it an abstention earns nothing even where it is right, as in always abstaining.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from primum.audits.names import WHERE
from primum.audits.reading import Audited
from primum.evaluation.clusters import group_of
from primum.evaluation.earned import RESAMPLES, SEED
from primum.evaluation.stats import LEVEL, RATE, rate
from primum.files import rounded

COLUMNS = {
    "abstention": (
        *("split", "stage", "seed", "rows", "n", "abstained", "unreadable"),
        *(f"coverage_{key}" for key in RATE),
        *(f"risk_{key}" for key in RATE),
        *("break_even", "break_even_low", "break_even_high"),
    )
}


def audit_abstention(audited: Audited) -> list[dict[str, Any]]:
    """Rows of ``abstention``; none where the task has no outcome ``abstained``."""
    return list(_rows(audited)) if "abstained" in audited.task.outcomes else []


def _rows(audited: Audited) -> Iterator[dict[str, Any]]:
    for (stage, seed, split), scores in audited.found.scores.items():
        examples = audited.examples(split)
        for name, condition in WHERE.items():
            if condition and condition not in audited.task.outcomes:
                continue
            ids = sorted(i for i, s in scores.items() if not condition or s[condition])
            where = {"split": split, "stage": stage, "seed": seed, "rows": name}
            yield where | selective([scores[i] for i in ids], [group_of(examples[i]) for i in ids])


def selective(scores: Sequence[Mapping[str, Any]], groups: Sequence[str]) -> dict[str, Any]:
    """Coverage, selective risk and break-even cost of lines of ``scores.jsonl`` (with ``abstained`` and ``right``)."""
    answered = [s["answer"] is not None and not s["abstained"] for s in scores]
    right = [bool(given and s["right"]) for given, s in zip(answered, scores, strict=True)]
    wrong = [given and not hit for given, hit in zip(answered, right, strict=True)]
    abstained = sum(bool(s["abstained"]) for s in scores)
    cost, low, high = break_even(right, wrong, groups)
    row: dict[str, Any] = {"n": len(scores), "abstained": abstained}
    row["unreadable"] = len(scores) - abstained - sum(answered)
    for name, found in (("coverage", rate(sum(answered), len(scores))), ("risk", rate(sum(wrong), sum(answered)))):
        row |= {f"{name}_{key}": value for key, value in found.to_json().items()}
    return row | {"break_even": cost, "break_even_low": low, "break_even_high": high}


def break_even(
    right: Sequence[bool], wrong: Sequence[bool], groups: Sequence[str]
) -> tuple[float | None, float | None, float | None]:
    """Right by wrong answers, with a percentile interval of a bootstrap over groups; None without wrong answers.

    The upper limit is None where resamples without any wrong answer reach it: no cost would be too high.
    """
    import numpy as np

    if not any(wrong):
        return None, None, None
    names = sorted(set(groups))
    at = np.array([names.index(group) for group in groups])
    hits, misses = (np.bincount(at, np.asarray(side, dtype=float), len(names)) for side in (right, wrong))
    drawn = np.random.default_rng(SEED).integers(0, len(names), size=(RESAMPLES, len(names)))
    above, below = hits[drawn].sum(axis=1), misses[drawn].sum(axis=1)
    ratios = np.sort(np.divide(above, below, out=np.full(RESAMPLES, np.inf), where=below > 0))
    low, high = (
        float(ratios[min(RESAMPLES - 1, int(tail * RESAMPLES))]) for tail in ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
    )
    limits = (rounded(value) if np.isfinite(value) else None for value in (low, high))
    return rounded(hits.sum() / misses.sum()), *limits  # type: ignore[return-value]

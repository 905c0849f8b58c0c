"""Risk and coverage: is a model that says how sure it is right more often where it is surer?

Answers are taken in the order of a confidence, the surest first; the risk at a coverage is the share wrong among those
taken. Its mean over all coverages is the area under the risk-coverage curve, AURC (Geifman and El-Yaniv 2017, arXiv
1705.08500; the area: Geifman, Uziel and El-Yaniv 2019, arXiv 1805.08206). Answers of equal confidence are taken in any
order: the expected area stands for them, so that one constant confidence has just the area of a random order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from primum.audits.names import MARGIN, STATED
from primum.audits.reading import Audited
from primum.evaluation.clusters import group_of
from primum.evaluation.earned import RESAMPLES, SEED
from primum.evaluation.stats import LEVEL
from primum.files import rounded

if TYPE_CHECKING:
    import numpy as np

POINTS = 100  # of a published curve
CHUNK = 500  # resamples held in memory at once
COLUMNS = {
    "risk": (
        *("split", "stage", "seed", "by", "n", "right", "levels", "aurc", "low", "high", "random", "oracle"),
        *("gain", "gain_low", "gain_high"),
    )
}


def audit_risk(audited: Audited) -> dict[str, list[dict[str, Any]]]:
    """Rows of ``risk`` and ``curves``; empty where the task states no confidence and scores no letters."""
    found: dict[str, list[dict[str, Any]]] = {"risk": [], "curves": []}
    for (stage, seed, split), predictions in audited.predictions.items():
        scores, examples = audited.found.scores[stage, seed, split], audited.examples(split)
        for by, sure in _confidences(audited, predictions, scores).items():
            where = {"split": split, "stage": stage, "seed": seed, "by": by}
            ids = sorted(sure)
            values = [sure[i][0] for i in ids]
            right = [sure[i][1] for i in ids]
            groups = [group_of(examples[i]) for i in ids]
            found["risk"].append(where | area(values, right, groups))
            found["curves"].append(where | {"points": curve(values, right)})
    return found


def _confidences(
    audited: Audited, predictions: Mapping[str, Any], scores: Mapping[str, Any]
) -> dict[str, dict[str, tuple[float, bool]]]:
    """How sure, and whether right, by row: of the written answer as stated, of the likeliest letter by its margin."""
    found: dict[str, dict[str, tuple[float, bool]]] = {}
    if audited.task.states_confidence:
        of = audited.headline.of
        stated = {i: s for i, s in scores.items() if s["confidence"] is not None}
        found[STATED] = {i: (float(s["confidence"]), bool(s[of])) for i, s in stated.items()}
    lettered = {i: predictions[i]["letter_logprobs"] for i, s in scores.items() if s["letter_answer"] is not None}
    if lettered:
        tops = {i: sorted(values.values())[-2:] for i, values in lettered.items()}
        found[MARGIN] = {i: (top[-1] - top[0], bool(scores[i]["letter_correct"])) for i, top in tops.items()}
    return found


def area(confidences: Sequence[float], right: Sequence[bool], groups: Sequence[str]) -> dict[str, Any]:
    """AURC with a bootstrap interval over whole groups, beside a random order's and the best order's.

    Returns:
        ``n``, ``right`` (how many), ``levels`` (distinct confidences); ``aurc`` with ``low`` and ``high``; ``random``:
        the share wrong, which is what a random order has; ``oracle``: all right answers first; ``gain``: random less
        aurc, what ordering by this confidence is worth, with ``gain_low`` and ``gain_high`` from the same resamples.
    """
    import numpy as np

    keys = ("aurc", "low", "high", "random", "oracle", "gain", "gain_low", "gain_high")
    n = len(right)
    if not n:
        return {"n": 0, "right": 0, "levels": 0} | dict.fromkeys(keys)
    wrong = 1.0 - np.asarray(right, dtype=float)
    level = np.unique(-np.asarray(confidences, dtype=float), return_inverse=True)[1]
    names = sorted(set(groups))
    member = np.array([names.index(group) for group in groups])
    drawn = np.random.default_rng(SEED).integers(0, len(names), size=(RESAMPLES, len(names)))
    parts = []
    for start in range(-1, RESAMPLES, CHUNK):  # the sample itself first
        taken = drawn[max(start, 0) : start + CHUNK]
        weights = np.zeros((len(taken), len(names)))
        np.add.at(weights, (np.arange(len(taken))[:, None], taken), 1.0)
        weights = np.vstack([np.ones(len(names)), weights])[:, member] if start < 0 else weights[:, member]
        sizes, errors = (_by_level(weights * by, level) for by in (np.ones(n), wrong))
        parts.append((_areas(sizes, errors), errors.sum(axis=1) / sizes.sum(axis=1)))
    areas, random = (np.concatenate(column) for column in zip(*parts, strict=True))
    tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    low, high = np.quantile(areas[1:], tails)
    least, most = np.quantile((random - areas)[1:], tails)
    best = _areas(*(np.array([[(wrong == 0).sum(), wrong.sum()]]), np.array([[0.0, wrong.sum()]])))
    found = (areas[0], low, high, random[0], best[0], random[0] - areas[0], least, most)
    return {"n": n, "right": int(n - wrong.sum()), "levels": int(level.max()) + 1} | {
        key: rounded(float(value)) for key, value in zip(keys, found, strict=True)
    }


def _by_level(weights: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Sums of columns of ``weights`` (draws x answers) by confidence level, the surest first (draws x levels)."""
    import numpy as np

    order = np.argsort(level, kind="stable")
    starts = np.searchsorted(level[order], np.arange(level.max() + 1))
    return np.add.reduceat(weights[:, order], starts, axis=1)


def _areas(sizes: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Expected AURC of each row: ``sizes`` answers and ``errors`` wrong ones by confidence level, the surest first.

    Within a level of m answers, e of them wrong, after K answers with E wrong, the expected risk after j more is
    (E + j e / m) / (K + j): over j it sums to e + (E - K e / m) (H(K + m) - H(K)), H being harmonic numbers.
    """
    import numpy as np

    total = sizes.sum(axis=1)
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, int(total.max()) + 1))])
    before, wrong = np.cumsum(sizes, axis=1) - sizes, np.cumsum(errors, axis=1) - errors
    share = np.divide(errors, sizes, out=np.zeros_like(errors, dtype=float), where=sizes > 0)
    steps = harmonic[(before + sizes).astype(int)] - harmonic[before.astype(int)]
    return (errors + (wrong - before * share) * steps).sum(axis=1) / total


def curve(confidences: Sequence[float], right: Sequence[bool]) -> list[list[float]]:
    """``[coverage, risk]`` with the surest answers first, at most :data:`POINTS` of them; ties as expected."""
    held: dict[float, list[bool]] = {}
    for confidence, hit in zip(confidences, right, strict=True):
        held.setdefault(confidence, []).append(hit)
    taken, wrong, n, points = 0, 0.0, len(right), []
    for confidence in sorted(held, reverse=True):
        hits = held[confidence]
        share = 1 - sum(hits) / len(hits)
        for _ in hits:
            taken, wrong = taken + 1, wrong + share
            points.append([rounded(taken / n) or 0.0, rounded(wrong / taken) or 0.0])
    kept = sorted({round(at * (n - 1) / (POINTS - 1)) for at in range(POINTS)}) if n > POINTS else range(n)
    return [points[at] for at in kept]

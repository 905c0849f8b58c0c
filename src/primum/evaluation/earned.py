"""Mean reward: what completions would earn under a table, with an interval, and the paired test of a difference.

Rewards are neither rates nor normal, and rows of one group (about the same thing) rise and fall together. So intervals
are bootstrapped over groups, and the test of a difference swaps the stages of whole groups.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from primum.evaluation.clusters import Scores, group_of
from primum.evaluation.paired import p_words
from primum.evaluation.stats import ALPHA, LEVEL, POWER, rate
from primum.evaluation.swaps import RESAMPLES, SEED, drawn_test
from primum.files import rounded
from primum.rewards import earned
from primum.tasks.base import Example, Task

if TYPE_CHECKING:
    import numpy as np

Weights = Mapping[str, float]


def mean_reward(
    task: Task, examples: Mapping[str, Example], scores: Sequence[Mapping[str, Any]], weights: Weights
) -> dict[str, Any]:
    """What completions earn under one table.

    Args:
        task: the study's task.
        examples: by row id.
        scores: lines of ``scores.jsonl``, one a row; or outcomes with the row's ``id``.
        weights: the table.

    Returns:
        ``mean`` with ``low``, ``high`` and ``n``; the ``least`` and the ``most`` that a row earned; ``at_best``, the
        share of rows that earn as much as their gold answer; and, where the task names an exploit, the mean earned by
        the rows that show it, as ``exploit``. Where all rows earn the same, the interval has no width: the sample
        holds nothing from which a spread could be told.
    """
    totals = [earned(score, weights) for score in scores]
    groups = [group_of(examples[score["id"]]) for score in scores]
    best = [_gold(task, examples[score["id"]], weights) for score in scores]
    found = mean_of(totals, groups) | {
        "least": rounded(min(totals, default=None)),
        "most": rounded(max(totals, default=None)),
        "at_best": rate(sum(t >= b - 1e-9 for t, b in zip(totals, best, strict=True)), len(totals)).to_json(),
    }
    if task.exploit:
        shown = [place for place, score in enumerate(scores) if score[task.exploit]]
        found["exploit"] = mean_of([totals[place] for place in shown], [groups[place] for place in shown])
    return found


def compare_reward(
    now: Scores, before: Scores, examples: Mapping[str, Example], weights: Weights, stage: str, against: str
) -> dict[str, Any]:
    """The paired difference of mean reward: ``difference`` with ``low`` and ``high``, ``p``, ``detectable``.

    The p value is of the permutation test that swaps the stages of whole groups (:mod:`primum.evaluation.swaps`).
    ``detectable``: the smallest true difference found with 80 % power, by the bootstrap's standard error.
    """
    ids = sorted(now)
    differences = [earned(now[i], weights) - earned(before[i], weights) for i in ids]
    row: dict[str, Any] = {"stage": stage, "against": against, "n": len(ids)}
    return row | paired_difference(differences, [group_of(examples[i]) for i in ids])


def paired_difference(differences: Sequence[float], groups: Sequence[str]) -> dict[str, Any]:
    """Of differences by row: ``difference`` (their mean), ``low``, ``high``, ``p``, ``detectable`` as in
    :func:`compare_reward`; None each where there is no row."""
    if not differences:
        return dict.fromkeys(("difference", "low", "high", "p", "detectable"))
    sums, counts = _by_group(differences, groups)
    low, high, error = _bootstrap(sums, counts)
    z = NormalDist().inv_cdf
    return {
        "difference": float(sums.sum() / counts.sum()),
        "low": low,
        "high": high,
        "p": drawn_test(sums),
        "detectable": (z(0.5 + LEVEL / 2) + z(POWER)) * error if error else None,
    }


def permutation_of_means(one: Sequence[float], other: Sequence[float]) -> float:
    """Two-sided p value of a difference of two samples' means: values swap samples at random (Fisher 1935).

    Over ``RESAMPLES`` seeded draws with the observed one among them, as in :func:`primum.evaluation.swaps.drawn_test`.
    """
    import numpy as np

    values, size = np.array(sorted([*one, *other])), len(one)
    rng = np.random.default_rng(SEED)
    total, share = values.sum(), size / len(values)
    observed = abs(sum(one) - share * total)
    drawn = np.array([rng.permutation(values)[:size].sum() for _ in range(RESAMPLES - 1)])
    return (1 + int((np.abs(drawn - share * total) >= observed - 1e-9).sum())) / RESAMPLES


def in_words(row: Mapping[str, Any]) -> str:
    """One comparison as a sentence a person can read off."""
    name = f"{row['stage']} vs {row['against']} mean reward ({row['table']})"
    if row["difference"] is None:
        return f"{name}: no row to compare"
    found = f"{name} {row['difference']:+.2f} [{row['low']:.2f}, {row['high']:.2f}]"
    if not row["low"] and not row["high"]:
        return f"{name} +0.00: no row differs"
    p = f"p{p_words(row['p'])}, Holm p{p_words(row['p_holm'])}"
    if row["p_holm"] < ALPHA:
        return f"{found}, {p}: supported" + ("" if row["difference"] > 0 else " (downwards)")
    could = "" if row["detectable"] is None else f" (from {row['detectable']:.2f} on it would be found)"
    return f"{found}, {p}: not supported{could}"


def _gold(task: Task, example: Example, weights: Weights) -> float:
    """What the row's gold answer earns."""
    return sum(weight for name, weight in weights.items() if name in task.expected(example))


def mean_of(values: Sequence[float], groups: Iterable[str]) -> dict[str, Any]:
    """``mean`` with ``low`` and ``high`` (bootstrap over whole groups) and ``n``; None where there is nothing."""
    if not values:
        return {"mean": None, "low": None, "high": None, "n": 0}
    sums, counts = _by_group(values, groups)
    low, high, _ = _bootstrap(sums, counts)
    return {
        "mean": rounded(float(sums.sum() / counts.sum())),
        "low": rounded(low),
        "high": rounded(high),
        "n": len(values),
    }


def _by_group(values: Iterable[float], groups: Iterable[str]) -> tuple[np.ndarray, np.ndarray]:
    """Sums and counts of every group, in the order of their names: the order of the rows must not matter."""
    import numpy as np

    held: dict[str, list[float]] = {}
    for value, group in zip(values, groups, strict=True):
        held.setdefault(group, []).append(value)
    names = sorted(held)
    return np.array([sum(sorted(held[g])) for g in names]), np.array([float(len(held[g])) for g in names])


def _bootstrap(sums: np.ndarray, counts: np.ndarray) -> tuple[float, float, float]:
    """Bias-corrected and accelerated interval of a mean over whole groups, and its standard error.

    Efron 1987, JASA 82:171; the acceleration by leaving out one group at a time.
    """
    import numpy as np

    mean, k = float(sums.sum() / counts.sum()), len(sums)
    rng = np.random.default_rng(SEED)
    drawn = rng.integers(0, k, size=(RESAMPLES, k))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    error = float(means.std(ddof=1))
    if k < 2 or error < 1e-12:
        return mean, mean, 0.0
    without = (sums.sum() - sums) / (counts.sum() - counts)
    gaps = without.mean() - without
    spread = float((gaps**2).sum()) ** 1.5
    acceleration = float((gaps**3).sum()) / (6 * spread) if spread else 0.0
    normal = NormalDist()
    below = (float((means < mean).sum()) + 0.5 * float((means == mean).sum())) / RESAMPLES
    bias = normal.inv_cdf(min(max(below, 1 / RESAMPLES), 1 - 1 / RESAMPLES))

    def level(tail: float) -> float:
        z = bias + normal.inv_cdf(tail)
        return normal.cdf(bias + z / (1 - acceleration * z))

    low, high = np.quantile(means, [level((1 - LEVEL) / 2), level((1 + LEVEL) / 2)])
    return min(float(low), mean), max(float(high), mean), error

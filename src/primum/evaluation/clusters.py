"""Rows that share a group rise and fall together: intervals and tests that take groups for what is independent.

The design effect (Kish 1965, Survey Sampling, 8.2) tells how many rows one independent row is worth. Intervals are
those of ``stats`` at the effective number of rows (Rao and Scott 1992, Biometrics 48:577; for intervals Korn and
Graubard 1998, Surv Methodol 24:193, here of Wilson and Tango, without their t adjustment, so that groups of one row
each change nothing). ``docs/log.md`` has the coverage of this and of what was tried beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import lcm
from typing import Any

from primum.evaluation.stats import mover, paired_interval, wilson
from primum.evaluation.swaps import swap_test
from primum.files import rounded
from primum.tasks.base import Example, Metric

CLUSTERED = ("groups", "design_effect", "low_clustered", "high_clustered")
TESTED_BY_GROUP = ("p_clustered", "low_clustered", "high_clustered")
Scores = Mapping[str, Mapping[str, Any]]  # lines of scores.jsonl by row id
Stratum = Sequence[tuple[str, int]]  # group and outcome (0 or 1) or paired difference (-1, 0 or 1) of every row


def group_of(example: Example) -> str:
    """The group of a row; one that names none is its own."""
    return example.group or example.id


def metric_strata(
    metric: Metric, scores: Iterable[Mapping[str, Any]], groups: Mapping[str, str]
) -> list[list[tuple[str, int]]]:
    """The metric's outcome of every row, with the row's group, condition by condition.

    Args:
        metric: whose strata.
        scores: lines of ``scores.jsonl``.
        groups: by row id.
    """
    known = list(scores)
    return [[(groups[s["id"]], int(s[metric.of])) for s in known if not g or s[g]] for g in metric.strata()]


def difference_strata(
    metric: Metric, now: Scores, before: Scores, groups: Mapping[str, str]
) -> list[list[tuple[str, int]]]:
    """The paired difference of every row that meets the condition in both, with the row's group, by condition."""
    return [
        [
            (groups[i], int(bool(now[i][metric.of])) - int(bool(before[i][metric.of])))
            for i in common(given, now, before)
        ]
        for given in metric.strata()
    ]


def common(given: str, now: Scores, before: Scores) -> list[str]:
    """Ids of the rows that meet a condition in both; the empty one is met by every row."""
    return [i for i in now if not given or (now[i][given] and before[i][given])]


def clustered_rate(strata: Sequence[Stratum]) -> dict[str, Any]:
    """What :func:`primum.evaluation.stats.mean_of_rates` does not say of the mean of shares: its groups.

    Returns:
        ``groups``, ``design_effect``, and ``low_clustered`` and ``high_clustered``, the 95 % interval; the latter
        three None where a stratum is empty.
    """
    groups = len({group for stratum in strata for group, _ in stratum})
    if not all(strata):
        return {"groups": groups, **dict.fromkeys(CLUSTERED[1:])}
    effect = design_effect(strata)
    parts = []
    for stratum in strata:
        share = sum(value for _, value in stratum) / len(stratum)
        parts.append((share, *wilson(share, len(stratum) / effect)))
    _, low, high = parts[0] if len(parts) == 1 else mover(parts)
    found = (groups, rounded(effect), rounded(low), rounded(high))
    return dict(zip(CLUSTERED, found, strict=True))


def clustered_difference(strata: Sequence[Stratum]) -> dict[str, Any]:
    """Of a mean of paired differences: ``p_clustered``, exact, by swapping stages within groups; and its 95 % interval,
    ``low_clustered`` and ``high_clustered``. None where a stratum is empty."""
    if not all(strata):
        return dict.fromkeys(TESTED_BY_GROUP)
    effect = design_effect(strata)
    parts = []
    for stratum in strata:
        gained, lost = (sum(value == sign for _, value in stratum) for sign in (1, -1))
        limits = paired_interval(gained / effect, lost / effect, len(stratum) / effect)
        parts.append(((gained - lost) / len(stratum), *limits))
    _, low, high = parts[0] if len(parts) == 1 else mover(parts)
    scale = lcm(*map(len, strata))
    sums: dict[str, int] = {}
    for stratum in strata:
        for group, value in stratum:
            sums[group] = sums.get(group, 0) + value * (scale // len(stratum))
    return {"p_clustered": swap_test(list(sums.values())), "low_clustered": low, "high_clustered": high}


def design_effect(strata: Sequence[Stratum]) -> float:
    """By how much groups inflate the variance of a mean over strata; at least 1.

    Linearised between-group variance over that of independent rows. Where no row differs (or there is one group)
    nothing tells how alike rows of a group are, and they are taken to be copies: Kish's largest, the sum of squared
    group weights over that of squared row weights.

    Args:
        strata: none of them empty; a group may have rows in several.
    """
    means = [sum(value for _, value in stratum) / len(stratum) for stratum in strata]
    spread: dict[str, float] = {}
    weight: dict[str, float] = {}
    independent = squares = 0.0
    for stratum, mean in zip(strata, means, strict=True):
        share = 1 / (len(stratum) * len(strata))
        for group, value in stratum:
            spread[group] = spread.get(group, 0.0) + share * (value - mean)
            weight[group] = weight.get(group, 0.0) + share
            independent += (share * (value - mean)) ** 2
            squares += share**2
    if len(spread) < 2 or independent < 1e-15:
        return sum(w * w for w in sorted(weight.values())) / squares
    between = sum(value * value for value in sorted(spread.values())) * len(spread) / (len(spread) - 1)
    return max(1.0, between / independent)

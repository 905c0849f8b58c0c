"""Several training seeds of one study: what varies with the seed, and intervals that hold for other seeds and rows.

Two sources of chance cross: every seed is evaluated on the same rows. Both are taken for samples, as in the bootstraps
of Owen (2007, Ann Appl Stat 1:386) and the standard errors of Cameron, Gelbach and Miller (2011, J Bus Econ Stat
29:238); with two to five seeds neither holds its level, so the variance is that of crossed random effects, with
Satterthwaite's degrees of freedom (1946, Biometrics Bull 2:110).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import sqrt
from statistics import fmean, stdev
from typing import Any

from primum.evaluation.clusters import (
    Stratum,
    clustered_difference,
    clustered_rate,
    difference_strata,
    metric_strata,
)
from primum.evaluation.read import CompareConfig, Evaluations
from primum.evaluation.score import all_metrics
from primum.evaluation.stats import student_t
from primum.evaluation.tree import Tree
from primum.files import rounded
from primum.stages import BASE_STAGE
from primum.tasks.base import Task

SEED_FIELDS = ("mean", "sd", "low", "high", "low_both", "high_both")


def seed_rows(config: CompareConfig, task: Task, found: Evaluations, split: str) -> list[dict[str, Any]]:
    """One row a trained stage and metric, and one a compared pair of stages and metric; none with one seed.

    Returns:
        ``split``, ``stage``, ``against`` (None: the stage's own rate), ``metric``, ``seeds`` and what
        :func:`over_seeds` finds; all None but ``seeds`` where with some seed there is nothing to count.
    """
    if len(config.seeds) < 2:
        return []
    groups, rows = found.groups(split), []
    for stage, against in _named(config):
        now = [found.scores[stage, seed, split] for seed in config.seeds]
        before = [
            found.scores[against, 0 if against == BASE_STAGE else seed, split] for seed in config.seeds if against
        ]
        for metric in all_metrics(task, [score for scores in (*now, *before) for score in scores.values()]):
            if metric.of not in next(iter(now[0].values()), {}):
                continue
            by_seed = (
                [difference_strata(metric, *pair, groups) for pair in zip(now, before, strict=True)]
                if against
                else [metric_strata(metric, scores.values(), groups) for scores in now]
            )
            row = {"split": split, "stage": stage, "against": against, "metric": metric.name, "seeds": len(now)}
            rows.append(row | over_seeds(by_seed, paired=against is not None))
    return rows


def _named(config: CompareConfig) -> Iterator[tuple[str, str | None]]:
    tree, stages = Tree(config.stages), [node.name for node in config.stages if node.name != BASE_STAGE]
    for stage in stages:
        yield from ((stage, against) for against in (None, *tree.against(stage)))


def over_seeds(by_seed: Sequence[Sequence[Stratum]], *, paired: bool) -> dict[str, float | None]:
    """Mean over seeds of a rate or a paired difference, with two 95 % intervals.

    Args:
        by_seed: for each of at least two seeds the strata whose means are averaged.
        paired: whether rows hold differences, which lie between -1 and 1; or else outcomes, from 0 to 1.

    Returns:
        ``mean`` and ``sd`` over seeds; ``low`` and ``high``, Student's t interval: other seeds, these rows;
        ``low_both`` and ``high_both``, never within the former: other seeds and other groups of rows. Where no row
        differs under any seed the latter is the interval by groups of any of them. None where a stratum is empty.
    """
    if not all(all(strata) for strata in by_seed):
        return dict.fromkeys(SEED_FIELDS)
    values = [fmean(_mean(stratum) for stratum in strata) for strata in by_seed]
    count, mean, sd = len(values), fmean(values), stdev(values)
    half = student_t(count - 1) * sd / sqrt(count)
    both = max(half, _half_of_both([_influence(strata) for strata in by_seed], sd))
    limits = [mean - half, mean + half, mean - both, mean + both]
    if both < 1e-12:
        alone = clustered_difference(by_seed[0]) if paired else clustered_rate(by_seed[0])
        limits[2:] = alone["low_clustered"], alone["high_clustered"]
    least = -1.0 if paired else 0.0
    found = (mean, sd, *(min(max(limit, least), 1.0) for limit in limits))
    return {key: rounded(value) for key, value in zip(SEED_FIELDS, found, strict=True)}


def _half_of_both(influences: list[dict[str, float]], sd: float) -> float:
    """Half the width of the interval for other seeds and other groups.

    The variance of the mean is that between seeds, and between groups, less that of what is particular to a seed and a
    group, which both hold; never less than the larger of the two.
    """
    count, groups = len(influences), sorted({group for influence in influences for group in influence})
    between_seeds = sd**2 / count
    if len(groups) < 2:
        return student_t(count - 1) * sqrt(between_seeds)
    spread = len(groups) / (len(groups) - 1)
    means = {group: fmean(influence.get(group, 0.0) for influence in influences) for group in groups}
    between_groups = spread * sum(means[group] ** 2 for group in groups)
    rest = sum((influence.get(group, 0.0) - means[group]) ** 2 for influence in influences for group in groups)
    particular = spread * rest / (count * (count - 1))
    variance = max(between_seeds + between_groups - particular, between_seeds, between_groups)
    parts = (between_seeds**2 / (count - 1), between_groups**2 / (len(groups) - 1))
    freedom = variance**2 / sum(parts) if sum(parts) else 1.0
    return student_t(max(1, int(freedom))) * sqrt(variance)


def _influence(strata: Sequence[Stratum]) -> dict[str, float]:
    """By how much each group moves the mean of the strata's means, to first order."""
    moved: dict[str, float] = {}
    for stratum in strata:
        mean, share = _mean(stratum), 1 / (len(stratum) * len(strata))
        for group, value in stratum:
            moved[group] = moved.get(group, 0.0) + share * (value - mean)
    return moved


def _mean(stratum: Stratum) -> float:
    return sum(value for _, value in stratum) / len(stratum)

"""Two stages on the same questions: difference, interval, exact McNemar, Holm, and what could have been found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from primum.evaluation.clusters import TESTED_BY_GROUP, Scores, clustered_difference, common, difference_strata
from primum.evaluation.stats import ALPHA, detectable_mean, holm, paired_mean, shown_p, sign_test
from primum.files import rounded
from primum.tasks.base import Metric


def compare_pair(
    metrics: Sequence[Metric],
    now: Scores,
    before: Scores,
    stage: str,
    against: str,
    groups: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """Compare ``stage`` with ``against``, metric by metric.

    A conditional metric (one with ``given``) is compared on the rows that meet its condition in both stages, so its
    difference need not be that of the two rates. A balanced one is compared condition by condition, and the
    differences are averaged.

    Args:
        metrics: what to compare.
        now: lines of ``scores.jsonl`` of ``stage``, by row id.
        before: those of ``against``, for the same rows.
        stage, against: names, for the words.
        groups: of the rows, by row id: rows of one are about the same thing.

    Returns:
        One row a metric: ``n``, ``difference`` with ``low`` and ``high``, ``gained`` and ``lost`` rows, ``p_mcnemar``,
        ``detectable`` (smallest true difference found with 80 % power); with ``groups`` also what
        :func:`clustered_difference` finds; :func:`adjust` adds what follows from tests.
    """
    rows = []
    for metric in metrics:
        row = {"stage": stage, "against": against, "metric": metric.name} | _paired(metric, now, before)
        if groups is not None:
            row |= clustered_difference(difference_strata(metric, now, before, groups))
        rows.append(row)
    return rows


def adjust(rows: Sequence[dict[str, Any]], words: Callable[[Mapping[str, Any]], str] | None = None) -> None:
    """Adjust a family of tests by Holm, in place: ``p_holm``, ``supported`` (yes or no) and ``in_words``.

    Supported is what is significant after adjustment and, where rows have groups, also when groups are what is swapped:
    the second test takes nothing for evidence that is only the first thing said again.

    Args:
        rows: see :func:`compare_pair`; all of one family.
        words: makes the sentence of a row; :func:`in_words` unless given.
    """
    p_key = "p_mcnemar" if any("p_mcnemar" in row for row in rows) else "p"
    adjusted = holm({str(place): row[p_key] for place, row in enumerate(rows) if row[p_key] is not None})
    for place, row in enumerate(rows):
        p = adjusted.get(str(place))
        row["p_holm"] = p
        row["supported"] = "yes" if p is not None and p < ALPHA and not _groups_find_nothing(row) else "no"
        row["in_words"] = (words or in_words)(row)
        for key in ("difference", "low", "high", "detectable", *TESTED_BY_GROUP[1:]):
            if key in row:
                row[key] = rounded(row[key])
        for key in (p_key, "p_holm", TESTED_BY_GROUP[0]):
            if row.get(key) is not None:
                row[key] = shown_p(row[key])


def _groups_find_nothing(row: Mapping[str, Any]) -> bool:
    """Whether the test that swaps whole groups finds nothing."""
    return row.get("p_clustered") is not None and row["p_clustered"] >= ALPHA


def _paired(metric: Metric, now: Scores, before: Scores) -> dict[str, Any]:
    strata = [_discordant(metric.of, given, now, before) for given in metric.strata()]
    gained, lost, n = (sum(part) for part in zip(*strata, strict=True))
    row: dict[str, Any] = {"n": n, "gained": gained, "lost": lost}
    if not all(pairs for _, _, pairs in strata):
        return row | dict.fromkeys(("difference", "low", "high", "p_mcnemar", "detectable"))
    difference, low, high = paired_mean(strata)
    return row | {
        "difference": difference,
        "low": low,
        "high": high,
        "p_mcnemar": sign_test(strata),
        "detectable": detectable_mean(strata),
    }


def _discordant(of: str, given: str, now: Scores, before: Scores) -> tuple[int, int, int]:
    """Rows gained, rows lost, and all rows that meet the condition in both."""
    ids = common(given, now, before)
    gained = sum(bool(now[i][of]) and not before[i][of] for i in ids)
    lost = sum(bool(before[i][of]) and not now[i][of] for i in ids)
    return gained, lost, len(ids)


def in_words(row: Mapping[str, Any]) -> str:
    """One comparison as a sentence a person can read off."""
    name = f"{row['stage']} vs {row['against']} {row['metric']}"
    if row["difference"] is None:
        return f"{name}: no row to compare"
    low, high = (f"{100 * row[key]:.1f}" for key in ("low", "high"))
    if not row["gained"] and not row["lost"]:
        return f"{name} +0.0 points [{low}, {high}]: no row differs"
    found = f"{name} {100 * row['difference']:+.1f} points [{low}, {high}], {row['gained']} gained {row['lost']} lost"
    p = f"p{p_words(row['p_mcnemar'])}, Holm p{p_words(row['p_holm'])}"
    if row["supported"] == "yes":
        return f"{found}, {p}: supported" + ("" if row["difference"] > 0 else " (downwards)")
    if row["p_holm"] < ALPHA:
        return f"{found}, {p}: not supported (rows of one group are alike: p{p_words(row['p_clustered'])} by groups)"
    limit = row["detectable"]
    could = "n too small to find any" if limit is None else f"from {100 * limit:.1f} points on it would be found"
    return f"{found}, {p}: not supported ({could})"


def p_words(p: float) -> str:
    """``=0.012`` or ``<0.001``."""
    return "<0.001" if p < 0.001 else f"={p:.3f}"

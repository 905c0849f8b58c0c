"""Two stages on the same questions: difference, interval, exact McNemar, Holm, and what could have been found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from primum.evaluation.stats import ALPHA, detectable_difference, holm, mcnemar_exact, paired_interval, rounded
from primum.tasks.base import Metric

Scores = Mapping[str, Mapping[str, Any]]  # by row id


def compare_pair(
    metrics: Sequence[Metric], now: Scores, before: Scores, stage: str, against: str
) -> list[dict[str, Any]]:
    """Compare ``stage`` with ``against``, metric by metric; p values are Holm-adjusted across the metrics.

    A conditional metric (one with ``given``) is compared on the rows that meet its condition in both stages, so its
    difference need not be that of the two rates.

    Args:
        metrics: what to compare.
        now: lines of ``scores.jsonl`` of ``stage``, by row id.
        before: those of ``against``, for the same rows.
        stage, against: names, for the words.

    Returns:
        One row a metric: ``n``, ``difference`` with ``low`` and ``high``, ``gained`` and ``lost`` rows, ``p_mcnemar``,
        ``p_holm``, ``detectable`` (smallest true difference found with 80 % power), ``supported`` (yes or no, by
        ``p_holm``) and ``in_words``.
    """
    rows = [
        {"stage": stage, "against": against, "metric": metric.name} | _paired(metric, now, before) for metric in metrics
    ]
    adjusted = holm({row["metric"]: row["p_mcnemar"] for row in rows if row["n"]})
    for row in rows:
        p = adjusted.get(row["metric"])
        row["p_holm"] = p
        row["supported"] = "yes" if p is not None and p < ALPHA else "no"
        row["in_words"] = in_words(row)
        for key in ("difference", "low", "high", "detectable"):
            row[key] = rounded(row[key])
        for key in ("p_mcnemar", "p_holm"):  # significant digits: a p value is never nought
            row[key] = None if row[key] is None else float(f"{row[key]:.6g}")
    return rows


def _paired(metric: Metric, now: Scores, before: Scores) -> dict[str, Any]:
    ids = [i for i in now if not metric.given or (now[i][metric.given] and before[i][metric.given])]
    gained = sum(bool(now[i][metric.of]) and not before[i][metric.of] for i in ids)
    lost = sum(bool(before[i][metric.of]) and not now[i][metric.of] for i in ids)
    row: dict[str, Any] = {"n": len(ids), "gained": gained, "lost": lost}
    if not ids:
        return row | dict.fromkeys(("difference", "low", "high", "p_mcnemar", "detectable"))
    low, high = paired_interval(gained, lost, len(ids))
    return row | {
        "difference": (gained - lost) / len(ids),
        "low": low,
        "high": high,
        "p_mcnemar": mcnemar_exact(gained, lost),
        "detectable": detectable_difference(gained + lost, len(ids)),
    }


def in_words(row: Mapping[str, Any]) -> str:
    """One comparison as a sentence a person can read off."""
    name = f"{row['stage']} vs {row['against']} {row['metric']}"
    if not row["n"]:
        return f"{name}: no row to compare"
    low, high = (f"{100 * row[key]:.1f}" for key in ("low", "high"))
    if not row["gained"] and not row["lost"]:
        return f"{name} +0.0 points [{low}, {high}]: no row differs"
    found = f"{name} {100 * row['difference']:+.1f} points [{low}, {high}], {row['gained']} gained {row['lost']} lost"
    p = f"p{p_words(row['p_mcnemar'])}, Holm p{p_words(row['p_holm'])}"
    if row["supported"] == "yes":
        return f"{found}, {p}: supported" + ("" if row["difference"] > 0 else " (downwards)")
    limit = row["detectable"]
    could = "n too small to find any" if limit is None else f"from {100 * limit:.1f} points on it would be found"
    return f"{found}, {p}: not supported ({could})"


def p_words(p: float) -> str:
    """``=0.012`` or ``<0.001``."""
    return "<0.001" if p < 0.001 else f"={p:.3f}"

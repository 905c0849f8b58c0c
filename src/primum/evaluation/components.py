"""What every outcome contributes to a stage's mean reward under the fixed table: its weight times its share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from primum.evaluation.read import CompareConfig, Evaluations
from primum.evaluation.stats import rate
from primum.files import rounded


def outcome_rows(config: CompareConfig, found: Evaluations) -> list[dict[str, Any]]:
    """The mean reward of every stage, seed and split, taken apart.

    Returns:
        A row an outcome of the fixed table, in the table's order: ``weight``; the share of rows with the outcome,
        with its Wilson interval; and ``contribution``, weight times share. Contributions of a run add up to its mean
        reward under that table. None without a fixed table.
    """
    if config.fixed_table is None:
        return []
    weights = config.rewards[config.fixed_table]
    return [
        {"stage": stage, "seed": seed, "split": split, "table": config.fixed_table} | row
        for (stage, seed, split), scores in found.scores.items()
        for row in _apart(scores, weights)
    ]


def _apart(scores: Mapping[str, Mapping[str, Any]], weights: Mapping[str, float]) -> list[dict[str, Any]]:
    rows = []
    for outcome, weight in weights.items():
        share = rate(sum(bool(score[outcome]) for score in scores.values()), len(scores)).to_json()
        earned = None if share["value"] is None else rounded(weight * share["numerator"] / share["n"])
        rows.append({"outcome": outcome, "weight": weight, **share, "contribution": earned})
    return rows

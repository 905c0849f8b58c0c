"""How large a sample must be: before anything is trained, or given what a run has found."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, sqrt
from statistics import NormalDist
from typing import Any

from primum.errors import UserError
from primum.evaluation.stats import LEVEL, POWER, wilson

MOST = 10**9  # rows: more than anybody has


def pairs_needed(difference: float, discordant_share: float, power: float = POWER) -> int:
    """Pairs with which a true paired difference is found, by a two-sided test at 5 %.

    Connor (1987, Biometrics 43:207); the inverse of :func:`primum.evaluation.stats.detectable_difference`. Rows of one
    group are worth less: multiply by the design effect.

    Args:
        difference: of two rates on the same rows, above 0.
        discordant_share: of pairs that are right in one only; at least the difference.
        power: chance of finding it.

    Raises:
        UserError: if no such pairs can be.
    """
    if not 0 < difference <= 1:
        raise UserError(f"A difference of {100 * difference:g} points cannot be planned for.", "Give up to 100 points.")
    if not difference <= discordant_share <= 1:
        raise UserError(
            f"With {100 * discordant_share:g} % discordant pairs no difference is {100 * difference:g} points.",
            "Give a share that is at least the difference, and at most 100.",
        )
    if not 0 < power < 1:
        raise UserError(f"A power of {power:g} cannot be.", "Give one between 0 and 1, such as 0.8.")
    normal = NormalDist()
    za, zb = normal.inv_cdf(0.5 + LEVEL / 2), normal.inv_cdf(power)
    root = za * sqrt(discordant_share) + zb * sqrt(discordant_share - difference**2)
    return ceil(root**2 / difference**2 - 1e-9)


def rows_needed(half_width: float, share: float) -> int:
    """Rows at which half of Wilson's 95 % interval is at most ``half_width``, where the rate is ``share``.

    Raises:
        UserError: if the half-width is none, or asks for more than anybody has.
    """
    if not 0 < half_width < 0.5 or not 0 <= share <= 1:
        raise UserError("No sample has such an interval.", "Give 0 < half-width < 50 and 0 <= rate <= 100 points.")

    def wide(n: int) -> bool:
        low, high = wilson(share, n)
        return (high - low) / 2 > half_width

    if wide(MOST):
        raise UserError(f"More than {MOST:,} rows would be needed.", "Give a larger half-width.")
    low, high = 0, MOST  # at which it is too wide, and is not
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if wide(middle) else (low, middle)
    return high


def observed(
    results: Mapping[str, Any], stage: str, against: str, metric: str | None, split: str | None
) -> dict[str, Any]:
    """What a run has found of a pair: the comparison, its ``share`` of discordant pairs, and the ``design_effect`` of
    the stage's rate.

    Args:
        results: content of ``eval_results.json``.
        stage, against: the pair.
        metric: the headline, unless given.
        split: the one that claims are made on, unless given.

    Raises:
        UserError: if the pair was not compared.
    """
    metric, split = metric or results["key_metrics"][0], split or results["splits"][0]
    wanted = {"stage": stage, "against": against, "metric": metric, "split": split}
    for row in results["comparisons"]:
        if all(row[key] == value for key, value in wanted.items()) and row["n"]:
            of_stage = {key: value for key, value in wanted.items() if key != "against"} | {"seed": row["seed"]}
            rate = next(r for r in results["metrics"] if all(r[key] == value for key, value in of_stage.items()))
            return row | {"share": (row["gained"] + row["lost"]) / row["n"], "design_effect": rate["design_effect"]}
    pairs = sorted({f"{row['stage']} against {row['against']}" for row in results["comparisons"]})
    raise UserError(
        f"'{stage}' was not compared with '{against}' in {metric} on {split}.", f"Compared were {', '.join(pairs)}."
    )

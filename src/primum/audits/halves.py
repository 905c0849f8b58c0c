"""One rate among two kinds of rows that exclude each other, and the interval of its difference."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import sqrt
from typing import Any

from primum.evaluation.score import metric_rate
from primum.evaluation.stats import RATE, Rate
from primum.files import rounded
from primum.tasks.base import Metric

DIFFERENCE = ("difference", "low", "high")
COLUMNS = (*(f"in_{key}" for key in RATE), *(f"out_{key}" for key in RATE), *DIFFERENCE)


def newcombe(one: Rate, other: Rate) -> tuple[float, float, float] | None:
    """``one - other`` of independent proportions with its 95 % interval; None where either is empty.

    Newcombe's hybrid score interval (1998, Stat Med 17:873, method 10), put together from the limits of both; of means
    of rates the same from theirs (Zou and Donner 2008, Stat Med 27:1693).
    """
    if None in (one.value, one.low, one.high, other.value, other.low, other.high):
        return None
    p, low, high = (float(getattr(one, key)) for key in ("value", "low", "high"))  # type: ignore[arg-type]
    q, least, most = (float(getattr(other, key)) for key in ("value", "low", "high"))  # type: ignore[arg-type]
    gap = p - q
    return gap, gap - sqrt((p - low) ** 2 + (most - q) ** 2), gap + sqrt((high - p) ** 2 + (q - least) ** 2)


def by_half(metric: Metric, scores: Mapping[str, Mapping[str, Any]], inside: Collection[str]) -> dict[str, Any]:
    """The metric among rows ``inside`` and among all others, each with its interval, and the difference."""
    rates = [metric_rate(metric, [s for i, s in scores.items() if (i in inside) == wanted]) for wanted in (True, False)]
    found = newcombe(*rates) or (None, None, None)
    row = {
        f"{name}_{key}": value
        for name, r in zip(("in", "out"), rates, strict=True)
        for key, value in r.to_json().items()
    }
    return row | {key: rounded(value) for key, value in zip(DIFFERENCE, found, strict=True)}

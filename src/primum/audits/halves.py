"""One rate among two kinds of rows that exclude each other, and the interval of its difference."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from primum.evaluation.score import metric_rate
from primum.evaluation.stats import RATE, difference_of_rates
from primum.files import rounded
from primum.tasks.base import Metric

DIFFERENCE = ("difference", "low", "high")
COLUMNS = (*(f"in_{key}" for key in RATE), *(f"out_{key}" for key in RATE), *DIFFERENCE)


def by_half(metric: Metric, scores: Mapping[str, Mapping[str, Any]], inside: Collection[str]) -> dict[str, Any]:
    """The metric among rows ``inside`` and among all others, each with its interval, and the difference."""
    rates = [metric_rate(metric, [s for i, s in scores.items() if (i in inside) == wanted]) for wanted in (True, False)]
    found = difference_of_rates(*rates) or (None, None, None)
    row = {
        f"{name}_{key}": value
        for name, r in zip(("in", "out"), rates, strict=True)
        for key, value in r.to_json().items()
    }
    return row | {key: rounded(value) for key, value in zip(DIFFERENCE, found, strict=True)}

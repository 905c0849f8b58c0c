"""The best stage, chosen on one split and measured on another: chosen where it is measured, it looks better than it is.

With a true 80 % on 50 items, the best of four equal checkpoints reads 88 % or more in one case of three.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from primum.evaluation.stats import RATE
from primum.tasks.base import Metric

Rates = Mapping[tuple[str, int, str], Mapping[str, Any]]  # (stage, seed, split) -> metric -> rate


def best_stages(
    metrics: Sequence[Metric], rates: Rates, stages: Sequence[str], seeds: Sequence[int], chosen_on: str, split: str
) -> list[dict[str, Any]]:
    """For each metric and seed the trained stage that is best on ``chosen_on`` (the earlier of equals), as measured on
    ``split``; and ``naive_*``: what choosing on ``split`` itself would have claimed, which is biased upwards.

    Args:
        metrics: by which stages are chosen.
        rates: of every evaluation.
        stages: trained ones, parents first.
        seeds: training seeds.
        chosen_on, split: names of splits.
    """
    rows = []
    for metric in metrics:
        for seed in seeds:

            def best(where: str, metric: Metric = metric, seed: int = seed) -> str | None:
                known = {s: rates[s, seed, where][metric.name]["value"] for s in stages}
                values = {s: v for s, v in known.items() if v is not None}
                sign = -1 if metric.fault else 1
                return max(values, key=lambda s: sign * values[s]) if values else None

            chosen, naive = best(chosen_on), best(split)
            if chosen is None or naive is None:
                continue
            row: dict[str, Any] = {"metric": metric.name, "seed": seed, "stages": len(stages)}
            row |= {"chosen_on": chosen_on, "split": split, "stage": chosen, "naive_stage": naive}
            found = {"": (chosen, split), "chosen_": (chosen, chosen_on), "naive_": (naive, split)}
            for prefix, (stage, where) in found.items():
                row |= {f"{prefix}{key}": rates[stage, seed, where][metric.name][key] for key in RATE}
            rows.append(row)
    return rows

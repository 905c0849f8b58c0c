"""Verdict x weight table -> itemised reward. A table stands in the study's YAML, never in code."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite

from primum.tasks.base import Task, Verdict


def check_table(task: Task, weights: Mapping[str, float]) -> list[str]:
    """Names in ``weights`` that the task does not offer as reward components."""
    return sorted(set(weights) - set(task.reward_outcomes))


def check_signs(task: Task, weights: Mapping[str, float]) -> list[str]:
    """What is wrong with the weights themselves: none may be endless, and none may pay for a fault or fine a merit."""
    wrong = [f"'{name}' is {weight}" for name, weight in sorted(weights.items()) if not isfinite(weight)]
    for name, weight in sorted(weights.items()):
        if name in task.penalties and weight > 0:
            wrong.append(f"'{name}' is paid ({weight:+g}), though it is a fault")
        elif task.penalties and name not in task.penalties and weight < 0:
            wrong.append(f"'{name}' is fined ({weight:+g}), though it is a merit")
    return wrong


def earned(outcomes: Mapping[str, bool], weights: Mapping[str, float]) -> float:
    """What the named outcomes earn, wherever they are on record."""
    return sum(weight for name, weight in weights.items() if outcomes[name])


def itemise(verdict: Verdict, weights: Mapping[str, float]) -> dict[str, float]:
    """``{component: weight if the outcome holds else 0.0}``, in the table's order."""
    return {name: weight if verdict.outcomes[name] else 0.0 for name, weight in weights.items()}


def total(verdict: Verdict, weights: Mapping[str, float]) -> float:
    """Sum of the itemised reward."""
    return sum(itemise(verdict, weights).values())

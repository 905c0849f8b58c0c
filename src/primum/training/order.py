"""Which rows a step trains on: a function of seed and step, the same for both backends.

So a killed run, or the next block of a curriculum, needs no sampler's state.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

# Batches sorted by length within this many of them: little padding, and still a random order.
_WINDOW = 8


def _stream(rows: int, count: int, rng: random.Random) -> list[int]:
    """The first ``count`` row numbers; each pass over the rows is a fresh shuffle, the next goes on from its end."""
    order: list[int] = []
    while len(order) < count:
        order += rng.sample(range(rows), rows)
    return order[:count]


def prompt_order(rows: int, batch: int, first: int, steps: int, seed: int) -> list[int]:
    """Row numbers of ``steps`` batches of ``batch`` prompts, from batch ``first`` on."""
    return _stream(rows, (first + steps) * batch, random.Random(seed))[first * batch :]


def batch_plan(lengths: Sequence[int], batch: int, steps: int, seed: int) -> list[int]:
    """Row numbers of ``steps`` batches, each of rows about equally long; no row is left out."""
    rng = random.Random(seed)
    order = _stream(len(lengths), steps * batch, rng)
    plan: list[int] = []
    for start in range(0, steps * batch, _WINDOW * batch):
        window = sorted(order[start : start + _WINDOW * batch], key=lambda row: lengths[row])
        batches = [window[at : at + batch] for at in range(0, len(window), batch)]
        rng.shuffle(batches)
        plan += [row for rows in batches for row in rows]
    return plan

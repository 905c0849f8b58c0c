"""Permutation tests of paired differences that swap the stages of whole groups.

Were two stages alike, swapping them within a group of rows would change nothing (Fisher 1935; Good 2005, Permutation,
Parametric, and Bootstrap Tests). Where sums are whole numbers, every swap is counted; where not, swaps are drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd
from sys import float_info
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

RESAMPLES = 10_000
SEED = 20_241_125
SPAN = 200_000  # sums further apart than this are drawn: counting them would take long


def swap_test(sums: Sequence[int]) -> float:
    """Two-sided exact p value of a total of whole numbers, each of which might as well have the other sign.

    With groups of one row each it is McNemar's exact test.

    Args:
        sums: of the differences in each group, times what makes them whole.
    """
    import numpy as np

    known = [value for value in sums if value]
    if not known:
        return 1.0
    step = gcd(*known)
    steps = [abs(value) // step for value in known]
    span, observed = sum(steps), abs(sum(known)) // step
    if span > SPAN:
        return drawn_test(np.array(known, dtype=float))
    chances = np.zeros(2 * span + 1)  # of every total from -span to span
    chances[span] = 1.0
    for value in steps:
        chances = 0.5 * (np.roll(chances, value) + np.roll(chances, -value))
    totals = np.abs(np.arange(-span, span + 1))
    return min(1.0, max(float(chances[totals >= observed].sum()), float_info.min))


def drawn_test(sums: np.ndarray) -> float:
    """Two-sided p value of a total, each part of which might as well have the other sign.

    Over ``RESAMPLES`` seeded draws, the observed one counted among them, so that it is never nought (Phipson and Smyth
    2010, SAGMB 9:39).
    """
    import numpy as np

    signs = np.random.default_rng(SEED).integers(0, 2, size=(RESAMPLES - 1, len(sums))) * 2 - 1
    extreme = int((np.abs(signs @ sums) >= abs(sums.sum()) - 1e-9).sum())
    return (1 + extreme) / RESAMPLES

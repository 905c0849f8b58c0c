"""Swapping whole groups: by hand, against every swap counted one by one, against drawing them, and against McNemar."""

import random
from itertools import product

import numpy as np
import pytest

from primum.evaluation import swaps
from primum.evaluation.stats import mcnemar_exact, sign_test
from primum.evaluation.swaps import drawn_test, swap_test


def test_by_hand() -> None:
    assert swap_test([]) == swap_test([0, 0]) == 1.0
    assert swap_test([3]) == 1.0  # one group says nothing: either sign is as far out
    assert swap_test([2, 2, 2, 2, 2, 2]) == 2 / 64
    assert swap_test([5, -5]) == 1.0


def test_groups_of_one_row_each_are_mcnemars_test() -> None:
    for gained, lost in ((7, 1), (0, 6), (12, 12), (90, 40), (3, 0)):
        assert swap_test([1] * gained + [-1] * lost + [0] * 9) == pytest.approx(mcnemar_exact(gained, lost), rel=1e-9)
    # Two strata of 4 and 6 pairs, a pair of one counting 3 and of the other 2 twelfths.
    assert swap_test([3, 3, -3, 2, 2, 2, -2]) == pytest.approx(sign_test([(2, 1, 4), (3, 1, 6)]))


def test_every_swap_counted_one_by_one() -> None:
    draw = random.Random(1)
    for _ in range(20):
        sums = [draw.randrange(-4, 6) for _ in range(9)]
        totals = [abs(sum(s * v for s, v in zip(signs, sums, strict=True))) for signs in product((1, -1), repeat=9)]
        assert swap_test(sums) == pytest.approx(sum(t >= abs(sum(sums)) for t in totals) / 512)


def test_drawing_agrees_and_stands_in_where_counting_would_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    sums = [random.Random(2).randrange(-3, 5) for _ in range(40)]
    exact = swap_test(sums)
    assert drawn_test(np.array(sums, dtype=float)) == pytest.approx(exact, abs=0.015)
    monkeypatch.setattr(swaps, "SPAN", 10)
    assert swap_test(sums) == drawn_test(np.array([value for value in sums if value], dtype=float)) != exact


def test_no_p_value_is_nought() -> None:
    assert 0 < swap_test([1] * 3000) < 1e-300

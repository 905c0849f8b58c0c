"""Seeds and groups crossed: by hand, at their edges, and that the interval for both holds what it promises."""

import numpy as np
import pytest

from primum.evaluation.over_seeds import over_seeds
from primum.evaluation.stats import paired_interval, rate, student_t


def rows(values):
    """One stratum, a group a row."""
    return [[(f"g{at}", value) for at, value in enumerate(values)]]


def test_students_t_is_scipys():
    stats = pytest.importorskip("scipy.stats", reason="scipy is not in this environment")
    for freedom in (1, 2, 3, 4, 5, 8, 15, 67, 400):
        assert student_t(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=1e-9)


def test_by_hand():
    found = over_seeds([rows([1] * ones + [0] * (8 - ones)) for ones in (1, 2, 3)], paired=True)
    assert (found["mean"], found["sd"]) == (0.25, 0.125)
    half = 4.302653 * 0.125 / 3**0.5
    assert (found["low"], found["high"]) == pytest.approx((0.25 - half, 0.25 + half), abs=1e-5)


def test_seeds_that_all_say_the_same_leave_the_groups():
    found = over_seeds([rows([1, 0] * 20)] * 3, paired=False)
    assert (found["sd"], found["low"], found["high"]) == (0, 0.5, 0.5)
    half = student_t(39) * (40 / 39 * 0.25 / 40) ** 0.5
    assert (found["low_both"], found["high_both"]) == pytest.approx((0.5 - half, 0.5 + half), abs=1e-6)


def test_groups_that_are_copies_count_once():
    values = [1, 0, 1, 1, 0, 0, 1, 0, 1, 1]
    once = over_seeds([rows(values), rows(values[::-1])], paired=False)
    copied = over_seeds(
        [[[pair for pair in rows(v)[0] for _ in range(4)]] for v in (values, values[::-1])], paired=False
    )
    assert copied == once


def test_a_stratum_without_rows_says_nothing():
    assert set(over_seeds([rows([1, 0]), [[]]], paired=True).values()) == {None}
    assert over_seeds([[[("g", 1), ("g", 0)]], [[("g", 1), ("g", 1)]]], paired=True)["low_both"] == -1  # one group


def test_limits_stay_where_rates_can_be_and_no_rows_that_differ_are_no_certainty():
    found = over_seeds([rows([1, 1, 1, 0]), rows([1, 1, 0, 0])], paired=False)
    assert (found["low"], found["high"], found["low_both"], found["high_both"]) == (0, 1, 0, 1)
    found = over_seeds([rows([1] * 200)] * 2, paired=False)
    assert (found["low"], found["high"], found["high_both"]) == (1, 1, 1)
    assert found["low_both"] == pytest.approx(rate(200, 200).low, abs=1e-6)
    found = over_seeds([rows([0] * 200)] * 2, paired=True)
    assert (found["low_both"], found["high_both"]) == pytest.approx(paired_interval(0, 0, 200), abs=1e-6)


@pytest.mark.parametrize(("seeds", "spread"), [(3, (0.05, 0.3)), (5, (0.1, 0.3)), (5, (0.0, 0.6))])
def test_the_interval_for_seeds_and_groups_covers(seeds, spread):
    """Effects of seeds, of groups, and of both together; the t interval over seeds alone misses that of groups."""
    rng, held, alone, times = np.random.default_rng(seeds), 0, 0, 250
    for _ in range(times):
        of_seed, of_group = rng.normal(0, spread[0], (seeds, 1)), rng.normal(0, spread[1], (1, 40))
        found = over_seeds(
            [rows(values) for values in of_seed + of_group + rng.normal(0, 0.3, (seeds, 40))], paired=True
        )
        held += found["low_both"] <= 0 <= found["high_both"]
        alone += found["low"] <= 0 <= found["high"]
    assert 0.91 <= held / times <= 0.99
    assert alone / times < held / times

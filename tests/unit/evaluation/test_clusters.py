"""Groups of rows: by hand, as they were no groups, and that intervals and tests hold what they promise."""

from collections.abc import Iterator

import numpy as np
import pytest

from primum.evaluation.clusters import clustered_difference, clustered_rate, design_effect
from primum.evaluation.paired import adjust, compare_pair
from primum.evaluation.stats import mean_of_rates, paired_mean, rate, sign_test
from primum.tasks.base import Metric

SIZES = [5, 5, 4, 4, 3, 3, 3, 3, *[3] * 10, *[2] * 20]  # groups of the tiny dipg's dev split, about: 100 rows


def alone(values: list[int], start: int = 0) -> list[tuple[str, int]]:
    return [(f"g{at}", value) for at, value in enumerate(values, start)]


def test_design_effect_by_hand() -> None:
    # Four groups of two copies: between-group variance 4/3 x 4 x (2 x 0.5)^2 / 64, of eight rows 0.25 / 8.
    copies = [(f"g{at}", at % 2) for at in range(4) for _ in range(2)]
    assert design_effect([copies]) == pytest.approx((4 / 3 * 4 / 64) / (0.25 / 8))
    # Rows of a group that cancel out say more than independent ones; no more is made of it than of those.
    assert design_effect([[(f"g{at}", value) for at in range(9) for value in (0, 1)]]) == 1.0
    # Nothing differs: as if rows of a group were copies. Of groups of 3 and 1: (9 + 1) / 4.
    assert design_effect([[("a", 1), ("a", 1), ("a", 1), ("b", 1)]]) == pytest.approx(10 / 4)
    assert design_effect([[("a", 1), ("a", 0)]]) == pytest.approx(2)  # one group


def test_groups_of_one_row_each_change_nothing_to_speak_of() -> None:
    found = clustered_rate([alone([1] * 30 + [0] * 70)])
    plain = rate(30, 100)
    assert (found["groups"], found["design_effect"]) == (100, pytest.approx(100 / 99, abs=1e-6))
    assert (found["low_clustered"], found["high_clustered"]) == pytest.approx((plain.low, plain.high), abs=1e-3)
    strata = [alone([1] * 9 + [-1] * 3 + [0] * 48), alone([1] * 5 + [-1] * 4 + [0] * 31, 60)]
    pairs = [(9, 3, 60), (5, 4, 40)]
    tested = clustered_difference(strata)
    assert tested["p_clustered"] == pytest.approx(sign_test(pairs))
    assert (tested["low_clustered"], tested["high_clustered"]) == pytest.approx(paired_mean(pairs)[1:], abs=2e-3)


def test_copies_are_no_evidence() -> None:
    values = [1] * 7 + [-1] + [0] * 22
    copied = [[(group, value) for group, value in alone(values) for _ in range(5)]]
    once = clustered_difference([alone(values)])
    found = clustered_difference(copied)
    assert found["p_clustered"] == pytest.approx(once["p_clustered"])
    assert found["low_clustered"] == pytest.approx(once["low_clustered"], abs=1e-9)
    shares = clustered_rate([[(group, int(value > 0)) for group, value in copied[0]]])
    assert shares["high_clustered"] == pytest.approx(rate(7, 30).high, abs=0.01)


def test_balanced_rates_and_empty_strata() -> None:
    strata = [alone([1] * 20 + [0] * 40), alone([1] * 30 + [0] * 10, 200)]
    plain = mean_of_rates([rate(20, 60), rate(30, 40)])
    found = clustered_rate(strata)
    assert found["low_clustered"] == pytest.approx(plain.low, abs=2e-3)
    shared = clustered_rate([strata[0], [(f"g{at}", value) for at, (_, value) in enumerate(strata[1])]])
    assert (found["groups"], shared["groups"]) == (100, 60)  # a group may have rows in both
    assert clustered_rate([strata[0], []]) == {
        **{"groups": 60, "design_effect": None, "low_clustered": None, "high_clustered": None}
    }
    assert clustered_difference([[], strata[0]])["p_clustered"] is None


def test_supported_needs_both_tests() -> None:
    """Ten rows gained are ten pieces of evidence, or two."""
    before = {f"r{at}": {"ok": False} for at in range(40)}
    now = {row: {"ok": int(row[1:]) < 10} for row in before}
    metric = [Metric("right", "ok")]
    apart = compare_pair(metric, now, before, "b", "a", {row: row for row in now})
    together = compare_pair(metric, now, before, "b", "a", {row: f"g{int(row[1:]) // 5}" for row in now})
    unknown = compare_pair(metric, now, before, "b", "a")
    for rows in (apart, together, unknown):
        adjust(rows)
    assert [rows[0]["supported"] for rows in (apart, together, unknown)] == ["yes", "no", "yes"]
    assert together[0]["p_holm"] == apart[0]["p_holm"] < 0.01
    assert together[0]["p_clustered"] == 0.5
    assert together[0]["in_words"].endswith("not supported (rows of one group are alike: p=0.500 by groups)")
    assert "p_clustered" not in unknown[0]


def simulated(shares: tuple[float, ...], alike: float, seed: int, times: int) -> Iterator[list[tuple[str, int]]]:
    """Rows in groups: every group draws its own shares (Dirichlet; ``alike``: the correlation of two of its rows)."""
    rng = np.random.default_rng(seed)
    spread = np.array(shares) * (1 - alike) / alike
    for _ in range(times):
        own = rng.dirichlet(spread, size=len(SIZES))
        counts = [rng.multinomial(size, share) for size, share in zip(SIZES, own, strict=True)]
        values = (1, 0, -1) if len(shares) == 3 else (1, 0)
        yield [(f"g{at}", v) for at, c in enumerate(counts) for v, k in zip(values, c, strict=True) for _ in range(k)]


@pytest.mark.parametrize(("share", "alike"), [(0.3, 0.3), (0.5, 0.6)])
def test_the_clustered_interval_covers_where_wilsons_does_not(share: float, alike: float) -> None:
    held = plain = 0
    for rows in simulated((share, 1 - share), alike, seed=7, times=1000):
        found, naive = clustered_rate([rows]), rate(sum(v for _, v in rows), len(rows))
        held += found["low_clustered"] <= share <= found["high_clustered"]
        plain += naive.low <= share <= naive.high
    assert plain / 1000 < 0.915
    assert 0.93 <= held / 1000 <= 0.97  # two standard errors of 1,000 beside the nominal level


def test_the_clustered_interval_of_a_difference_covers_and_its_test_keeps_the_level() -> None:
    held = found = naive = 0
    for rows in simulated((0.15, 0.70, 0.15), 0.5, seed=8, times=400):
        tested = clustered_difference([rows])
        held += tested["low_clustered"] <= 0 <= tested["high_clustered"]
        found += tested["p_clustered"] < 0.05
        gained, lost = (sum(v == sign for _, v in rows) for sign in (1, -1))
        naive += sign_test([(gained, lost, len(rows))]) < 0.05
    assert 0.92 <= held / 400 <= 0.98
    assert found / 400 <= 0.07 < naive / 400

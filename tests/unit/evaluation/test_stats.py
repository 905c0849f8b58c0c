"""Statistics against published worked examples (named), against hand calculation, and against statsmodels and scipy."""

import random
from math import comb, sqrt

import pytest

from primum.evaluation.stats import (
    detectable_difference,
    detectable_mean,
    difference_of_rates,
    fisher_exact,
    holm,
    mcnemar_exact,
    mean_of_rates,
    most_discordant,
    paired_interval,
    paired_mean,
    rate,
    rounded,
    sign_test,
)


@pytest.mark.parametrize(
    ("numerator", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, Stat Med 17:857, table I, method 3
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_published(numerator, n, low, high):
    found = rate(numerator, n)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_wilson_edges():
    assert (rate(0, 5).low, rate(5, 5).high) == (0.0, 1.0)
    assert rate(0, 0).to_json() == {"value": None, "low": None, "high": None, "numerator": 0, "n": 0}


def test_wilson_is_statsmodels():
    proportion = pytest.importorskip("statsmodels.stats.proportion", reason="statsmodels is not in this environment")
    for n in (1, 7, 50, 4183):
        for numerator in {0, 1, n // 3, n}:
            low, high = proportion.proportion_confint(numerator, n, method="wilson")
            assert rate(numerator, n).low == pytest.approx(low, abs=1e-12)
            assert rate(numerator, n).high == pytest.approx(high, abs=1e-12)


def test_mcnemar_published():
    # Airway hyper-responsiveness, b=1, c=7: Fagerland, Lydersen, Laake 2013, BMC Med Res Methodol 13:91 (p = 0.0703).
    assert mcnemar_exact(1, 7) == mcnemar_exact(7, 1) == pytest.approx(0.0703, abs=5e-5)
    assert mcnemar_exact(0, 0) == mcnemar_exact(4, 4) == 1.0
    assert mcnemar_exact(6, 0) == 2 / 64  # the fewest discordant pairs that can be significant
    assert mcnemar_exact(5, 0) > 0.05


def test_tests_are_scipy():
    stats = pytest.importorskip("scipy.stats", reason="scipy is not in this environment")
    draw = random.Random(1)
    for _ in range(50):
        b, c = draw.randrange(40), draw.randrange(1, 40)
        assert mcnemar_exact(b, c) == pytest.approx(stats.binomtest(b, b + c).pvalue, rel=1e-9)
        n, m = draw.randrange(40, 200), draw.randrange(40, 200)
        assert fisher_exact(b, n, c, m) == pytest.approx(stats.fisher_exact([[b, n - b], [c, m - c]])[1], rel=1e-6)


def test_paired_interval_published():
    # Fagerland, Lydersen, Laake 2014, Stat Med 33:2850, table II: Tango's interval for b=1, c=7 of 21 pairs.
    low, high = paired_interval(1, 7, 21)
    assert (round(low, 3), round(high, 3)) == (-0.517, -0.026)


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        ((56, 70, 48, 80), 0.0524, 0.3339),  # Newcombe 1998, Stat Med 17:873, table II, method 10
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((10, 10, 0, 20), 0.6791, 1.0),
        ((0, 10, 0, 10), -0.2775, 0.2775),
    ],
)
def test_difference_of_rates_published(counts, low, high):
    _, *found = difference_of_rates(rate(*counts[:2]), rate(*counts[2:])) or ()
    assert tuple(round(limit, 4) for limit in found) == (low, high)


def test_paired_interval_by_hand():
    z2 = 1.959963984540054**2
    low, high = paired_interval(0, 0, 44)  # nothing discordant: z^2 / (n + z^2)
    assert (low, high) == (pytest.approx(-z2 / (44 + z2)), pytest.approx(z2 / (44 + z2)))
    assert paired_interval(5, 0, 5)[1] == 1.0
    for gained, lost, n in [(30, 9, 200), (3, 0, 12), (0, 8, 40), (55, 44, 120)]:
        low, high = paired_interval(gained, lost, n)
        mirrored = paired_interval(lost, gained, n)
        assert (-high, -low) == (pytest.approx(mirrored[0]), pytest.approx(mirrored[1]))
        assert -1 <= low < (gained - lost) / n < high <= 1


def test_paired_interval_covers():
    """About 95 % of the intervals hold the true difference."""
    draw = random.Random(3)
    held = 0
    for _ in range(400):
        outcomes = draw.choices(("gained", "lost", "same"), (0.2, 0.1, 0.7), k=100)
        low, high = paired_interval(outcomes.count("gained"), outcomes.count("lost"), 100)
        held += low <= 0.1 <= high
    assert 0.92 <= held / 400 <= 0.98


def test_detectable_difference():
    # Connor's formula forwards: a 6.5-point difference at 20 % discordant needs 369.2 pairs.
    needed = (1.959964 * sqrt(0.2) + 0.841621 * sqrt(0.2 - 0.065**2)) ** 2 / 0.065**2
    assert 369 < needed < 370
    assert detectable_difference(74, 370) == pytest.approx(0.065, abs=2e-4)
    assert detectable_difference(0, 200) == detectable_difference(2, 200)  # no data on discordance: the best case
    assert detectable_difference(2, 200) < detectable_difference(60, 200) < detectable_difference(120, 200)
    assert detectable_difference(1, 2) is None


def test_detectable_difference_has_that_power():
    """Simulated pairs with the detectable difference are found in about 80 % of samples (asymptotic test)."""
    n, psi = 300, 0.3
    delta = detectable_difference(90, n)
    draw = random.Random(5)
    found = 0
    for _ in range(600):
        outcomes = draw.choices((1, -1, 0), ((psi + delta) / 2, (psi - delta) / 2, 1 - psi), k=n)
        gained, lost = outcomes.count(1), outcomes.count(-1)
        found += abs(gained - lost) / sqrt(gained + lost) > 1.959964
    assert 0.75 <= found / 600 <= 0.85


def test_holm():
    # By hand: 3 x 0.01; 2 x 0.03; 1 x 0.04, raised to the one before.
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03}) == {
        "a": pytest.approx(0.03),
        "b": pytest.approx(0.06),
        "c": pytest.approx(0.06),
    }
    assert holm({"x": 0.6, "y": 0.9}) == {"x": 1.0, "y": 1.0}
    assert holm({}) == {}
    multitest = pytest.importorskip("statsmodels.stats.multitest", reason="statsmodels is not in this environment")
    p = [0.001, 0.2, 0.013, 0.04, 0.9]
    assert list(holm(dict(enumerate(p))).values()) == pytest.approx(list(multitest.multipletests(p, method="holm")[1]))


def test_published_claims():
    """The original's claims, as the facts file judges them."""
    assert fisher_exact(68, 200, 55, 200) == pytest.approx(0.19, abs=0.005)  # 34.0 vs 27.5 % of 200: not supported
    assert fisher_exact(44, 50, 15, 50) == pytest.approx(4e-9, rel=0.1)
    assert fisher_exact(8, 8, 0, 8) == 2 / comb(16, 8)
    assert most_discordant(13) == 37
    assert most_discordant(3) is None
    assert most_discordant(0) is None


def test_rounded_has_no_negative_zero():
    assert str(rounded(-1e-9)) == "0.0"
    assert rounded(None) is None


@pytest.mark.parametrize("n", [10, 50, 86, 120, 200])
def test_the_paired_interval_never_jumps_to_the_end_of_the_range(n: int) -> None:
    """Rounding at a difference of -1 once made the lower end -100 points (36 gained, 50 lost of 200)."""
    for gained in range(0, n + 1, max(1, n // 25)):
        for lost in range(0, n - gained + 1, max(1, n // 25)):
            low, high = paired_interval(gained, lost, n)
            mirrored = paired_interval(lost, gained, n)
            assert low <= (gained - lost) / n <= high
            assert (low, high) == pytest.approx((-mirrored[1], -mirrored[0]), abs=1e-6)
            assert (low > -1.0 or lost == n) and (high < 1.0 or gained == n)


def test_a_mean_of_rates_by_hand_and_with_one_alone() -> None:
    first, second = rate(90, 120), rate(40, 80)
    found = mean_of_rates([first, second])
    below = sqrt((0.75 - first.low) ** 2 + (0.5 - second.low) ** 2) / 2
    assert (found.value, found.numerator, found.n) == (0.625, 130, 200)
    assert found.low == pytest.approx(0.625 - below)
    assert mean_of_rates([first]) == first
    assert mean_of_rates([first, rate(0, 0)]).value is None
    edge = mean_of_rates([rate(0, 120), rate(80, 80)])
    assert 0 <= edge.low < edge.value == 0.5 < edge.high <= 1


def test_the_interval_of_a_mean_covers() -> None:
    draw = random.Random(11)
    held = 0
    for _ in range(600):
        counts = [(sum(draw.random() < p for _ in range(n)), n) for p, n in ((0.9, 60), (0.3, 40))]
        found = mean_of_rates([rate(*count) for count in counts])
        held += found.low <= 0.6 <= found.high
    assert 0.93 <= held / 600 <= 0.98


def test_the_stratified_sign_test_by_hand() -> None:
    assert sign_test([(7, 1, 21)]) == mcnemar_exact(7, 1)
    # Two discordant pairs of 4, one of 2: sums +-(2 or 0)/4 +- 1/2; the largest, 1, and its mirror: 2 of 8 ways.
    assert sign_test([(2, 0, 4), (1, 0, 2)]) == 2 / 8
    # +2/4 - 1/2 = 0: nothing is less extreme.
    assert sign_test([(2, 0, 4), (0, 1, 2)]) == 1.0
    # Equal strata of equal weight: as one.
    assert sign_test([(6, 2, 50), (5, 1, 50)]) == pytest.approx(mcnemar_exact(11, 3))


def test_the_stratified_sign_test_holds_its_level() -> None:
    draw = random.Random(13)
    found = 0
    for _ in range(500):
        strata = []
        for n, psi in ((60, 0.3), (30, 0.5)):
            pairs = draw.choices((1, -1, 0), (psi / 2, psi / 2, 1 - psi), k=n)
            strata.append((pairs.count(1), pairs.count(-1), n))
        found += sign_test(strata) < 0.05
    assert found / 500 <= 0.07


def test_paired_means_over_strata() -> None:
    assert paired_mean([(5, 1, 30)]) == ((5 - 1) / 30, *paired_interval(5, 1, 30))
    value, low, high = paired_mean([(20, 5, 120), (3, 9, 80)])
    assert value == pytest.approx((15 / 120 - 6 / 80) / 2)
    assert -1 < low < value < high < 1
    assert detectable_mean([(30, 9, 200)]) == pytest.approx(detectable_difference(39, 200))
    # Equal strata: as one of their sum.
    assert detectable_mean([(10, 5, 100), (12, 3, 100)]) == pytest.approx(detectable_difference(30, 200))


@pytest.mark.parametrize(("a", "m", "b", "n"), [(56, 70, 48, 80), (9, 10, 3, 10), (0, 20, 0, 10), (10, 10, 0, 20)])
def test_newcombe_is_that_of_statsmodels(a, m, b, n):
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    low, high = proportion.confint_proportions_2indep(a, m, b, n, method="newcomb", compare="diff")
    found = difference_of_rates(rate(a, m), rate(b, n))
    assert found == (pytest.approx(a / m - b / n), pytest.approx(low, abs=1e-9), pytest.approx(high, abs=1e-9))


def test_newcombe_has_the_limits_that_he_printed():
    """Newcombe 1998, Stat Med 17:873, table II (a): 56/70 - 48/80, method 10: 0.0524 to 0.3339."""
    _, low, high = difference_of_rates(rate(56, 70), rate(48, 80))
    assert (round(low, 4), round(high, 4)) == (0.0524, 0.3339)

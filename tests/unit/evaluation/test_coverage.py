"""What intervals promise is what they hold, counted out over every sample there can be (not drawn); 95 % are nominal.

Within a point on average over true values. At a single one no exact count can be: shares come in steps of 1 / n.
"""

from math import lgamma

import numpy as np
import pytest

from primum.evaluation.earned import mean_of
from primum.evaluation.stats import paired_interval, rate


def binomial(n: int, shares: np.ndarray) -> np.ndarray:
    """Chances of every count: shares x counts."""
    counts = np.arange(n + 1)
    ways = np.array([lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) for k in counts])
    return np.exp(ways + counts * np.log(shares)[:, None] + (n - counts) * np.log1p(-shares)[:, None])


@pytest.mark.parametrize(("n", "least"), [(50, 0.90), (200, 0.93)])
def test_wilson(n: int, least: float) -> None:
    shares = np.linspace(0.01, 0.99, 197)
    found = [rate(k, n) for k in range(n + 1)]
    low, high = (np.array([getattr(r, end) for r in found]) for end in ("low", "high"))
    held = (binomial(n, shares) * ((low <= shares[:, None]) & (shares[:, None] <= high))).sum(axis=1)
    assert held.mean() == pytest.approx(0.95, abs=0.01)
    assert held.min() > least  # at shares of 1 and 99 %


def test_tango() -> None:
    n = 50
    gained, lost = np.array([(g, k) for g in range(n + 1) for k in range(n + 1 - g)]).T
    ends = np.array([paired_interval(int(g), int(k), n) for g, k in zip(gained, lost, strict=True)])
    factorial = np.array([lgamma(k + 1) for k in range(n + 1)])
    ways = factorial[n] - factorial[gained] - factorial[lost] - factorial[n - gained - lost]
    held = []
    for discordant in (0.1, 0.2, 0.3, 0.5):
        for share in (0.5, 0.6, 0.75, 0.9, 0.99):
            up, down = discordant * share, discordant * (1 - share)
            chance = np.exp(
                ways + gained * np.log(up) + lost * np.log(down) + (n - gained - lost) * np.log1p(-discordant)
            )
            assert chance.sum() == pytest.approx(1)
            held.append(chance[(ends[:, 0] <= up - down) & (up - down <= ends[:, 1])].sum())
    assert np.mean(held) == pytest.approx(0.95, abs=0.01)
    assert min(held) > 0.93


@pytest.mark.parametrize("sizes", [(30, 20), (120, 80)])
def test_the_mean_of_two_rates(sizes: tuple[int, int]) -> None:
    """MOVER over Wilson's, as of balanced accuracy."""
    shares = np.linspace(0.02, 0.98, 25)
    parts = [[rate(k, n) for k in range(n + 1)] for n in sizes]
    value, low, high = ([np.array([getattr(r, f) for r in part]) for part in parts] for f in ("value", "low", "high"))
    centre = (value[0][:, None] + value[1]) / 2
    below = np.hypot((value[0] - low[0])[:, None], value[1] - low[1]) / 2
    above = np.hypot((high[0] - value[0])[:, None], high[1] - value[1]) / 2
    first, second = (binomial(n, shares) for n in sizes)
    held = []
    for i, one in enumerate(shares):
        for k, other in enumerate(shares):
            true = (one + other) / 2
            inside = (centre - below <= true) & (true <= centre + above)
            held.append(first[i] @ inside @ second[k])
    assert np.mean(held) == pytest.approx(0.95, abs=0.01)
    assert min(held) > 0.90


def test_the_bootstrap_is_efrons_as_scipy_has_it() -> None:
    """Groups of one row each: resampled groups are resampled rows."""
    stats = pytest.importorskip("scipy.stats", reason="scipy is not in this environment")
    rng = np.random.default_rng(3)
    for values in (
        rng.exponential(10, 40),
        rng.normal(0, 3, 25),
        rng.choice([-20.0, 5.0, 40.0], 60, p=[0.2, 0.7, 0.1]),
    ):
        found = mean_of(list(values), [f"g{at:03}" for at in range(len(values))])
        same = stats.bootstrap((values,), np.mean, method="BCa", n_resamples=10_000, rng=1).confidence_interval
        width = same.high - same.low
        assert (found["low"], found["high"]) == pytest.approx((same.low, same.high), abs=0.03 * width)
        plain = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=10_000, rng=1).confidence_interval
        if stats.skew(values) > 1:  # where it matters, it is not the percentile interval
            assert found["low"] > plain.low + 0.02 * width

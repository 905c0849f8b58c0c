"""Statistics of rates: intervals, exact tests and detectable differences.

Small closed forms and exact integer sums on the standard library: scoring starts at once, the same bytes everywhere.
``tests/unit/evaluation/test_stats.py`` holds each to published worked examples, and to statsmodels and scipy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import atan, comb, copysign, cos, inf, lcm, pi, sin, sqrt
from statistics import NormalDist

from primum.files import rounded

LEVEL = 0.95  # of every interval
ALPHA = 0.05  # of every test, two-sided
RATE = ("value", "low", "high", "numerator", "n")  # fields of a rate, as Rate.to_json has them
POWER = 0.80  # at which a difference counts as detectable


@dataclass(frozen=True, slots=True)
class Rate:
    """``numerator`` of ``n``, with a 95 % interval; value and limits are None when there is nothing to count.

    Of a balanced rate ``value`` is not ``numerator / n``: see :func:`mean_of_rates`.
    """

    numerator: int
    n: int
    value: float | None
    low: float | None
    high: float | None

    def to_json(self) -> dict[str, float | int | None]:
        """Rounded to six decimals."""
        return {
            "value": rounded(self.value),
            "low": rounded(self.low),
            "high": rounded(self.high),
            "numerator": self.numerator,
            "n": self.n,
        }


def rate(numerator: int, n: int) -> Rate:
    """A proportion with its Wilson score interval (Wilson 1927, JASA 22:209; Newcombe 1998, Stat Med 17:857)."""
    if not n:
        return Rate(numerator, n, None, None, None)
    share = numerator / n
    return Rate(numerator, n, share, *wilson(share, n))


def wilson(share: float, n: float) -> tuple[float, float]:
    """Limits of the 95 % score interval of a share of ``n`` rows; ``n`` may be an effective number."""
    z = _z(LEVEL)
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return 0.0 if share == 0 else centre - half, 1.0 if share == 1 else centre + half


def mean_of_rates(rates: Sequence[Rate]) -> Rate:
    """The mean of proportions of samples that exclude each other, such as balanced accuracy; one alone is itself.

    Its interval is put together from theirs (MOVER; for sums of proportions: Zou, Huang and Zhang 2009, Comput Stat
    Data Anal 53:1080, after Newcombe 1998, Stat Med 17:873). ``numerator`` and ``n`` are sums.
    """
    numerator, n = sum(r.numerator for r in rates), sum(r.n for r in rates)
    if len(rates) == 1:
        return rates[0]
    if not all(r.n for r in rates):
        return Rate(numerator, n, None, None, None)
    value, low, high = mover([(r.value or 0.0, r.low or 0.0, r.high or 0.0) for r in rates])
    return Rate(numerator, n, value, low, high)


def mover(parts: Sequence[tuple[float, float, float]]) -> tuple[float, float, float]:
    """The mean of independent estimates ``(value, low, high)``, with the interval that follows from theirs.

    The method of variance estimates recovery (Zou and Donner 2008, Stat Med 27:1693).
    """
    k = len(parts)
    value = sum(v for v, _, _ in parts) / k
    below, above = (sqrt(sum((part[0] - part[end]) ** 2 for part in parts)) / k for end in (1, 2))
    return value, value - below, value + above


def mcnemar_exact(gained: int, lost: int) -> float:
    """Two-sided exact McNemar p value: a fair-coin test of the discordant pairs (McNemar 1947)."""
    n = gained + lost
    tail = sum(comb(n, k) for k in range(min(gained, lost) + 1))
    return min(1.0, 2 * tail / 2**n)


def sign_test(strata: Sequence[tuple[int, int, int]]) -> float:
    """Two-sided exact p value of a mean of paired differences; within one stratum it is McNemar's.

    Where nothing differs, each discordant pair is as likely gained as lost (Fisher's randomisation test of the sum
    ``(gained - lost) / n``, conditional on the discordant pairs of each stratum; Agresti 2013, Categorical Data
    Analysis, 11.1). The distribution is counted out, in whole numbers.

    Args:
        strata: ``(gained, lost, n)`` each.
    """
    if len(strata) == 1:
        return mcnemar_exact(*strata[0][:2])
    scale = lcm(*(n for _, _, n in strata))
    ways = {0: 1}  # excess, times the scale -> number of ways
    for gained, lost, n in strata:
        discordant, grown = gained + lost, dict[int, int]()
        for excess, count in ways.items():
            for k in range(discordant + 1):
                at = excess + (2 * k - discordant) * (scale // n)
                grown[at] = grown.get(at, 0) + count * comb(discordant, k)
        ways = grown
    found = abs(sum((gained - lost) * (scale // n) for gained, lost, n in strata))
    return sum(count for excess, count in ways.items() if abs(excess) >= found) / sum(ways.values())


def paired_interval(gained: float, lost: float, n: float) -> tuple[float, float]:
    """95 % interval of (gained - lost) / n: Tango's asymptotic score interval (Tango 1998, Stat Med 17:891).

    Recommended by Fagerland, Lydersen and Laake (2014, Stat Med 33:2850); it holds where nothing is discordant, too.

    Args:
        gained: pairs right only now.
        lost: pairs right only before.
        n: all pairs, more than none; the three may be effective numbers.
    """
    z = _z(LEVEL)

    def score(delta: float) -> float:
        # Restricted maximum-likelihood estimate of P(lost) when the true difference is delta, from Tango's quadratic.
        b = (2 * n - gained + lost) * delta - gained - lost
        c = -lost * delta * (1 - delta)
        q = (sqrt(max(b * b - 8 * n * c, 0.0)) - b) / (4 * n)
        variance = n * (2 * q + delta * (1 - delta))
        excess = gained - lost - n * delta
        if variance <= 0:  # at the ends of the range, up to rounding: any excess is infinitely far out
            return copysign(inf, excess) if excess else 0.0
        return excess / sqrt(variance)

    estimate = (gained - lost) / n
    low = _bisect(lambda d: score(d) - z, -1.0, estimate) if lost < n else -1.0
    high = _bisect(lambda d: score(d) + z, estimate, 1.0) if gained < n else 1.0
    return low, high


def difference_of_rates(one: Rate, other: Rate) -> tuple[float, float, float] | None:
    """``one - other`` of two samples with its 95 % interval; None where either is empty.

    Newcombe's hybrid score interval (1998, Stat Med 17:873, method 10), put together from the limits of both; of means
    of rates the same from theirs (Zou and Donner 2008, Stat Med 27:1693).
    """
    if None in (one.value, one.low, one.high, other.value, other.low, other.high):
        return None
    flipped = (-(other.value or 0.0), -(other.high or 0.0), -(other.low or 0.0))
    value, low, high = mover([(one.value or 0.0, one.low or 0.0, one.high or 0.0), flipped])
    return 2 * value, 2 * low, 2 * high


def paired_mean(strata: Sequence[tuple[int, int, int]]) -> tuple[float, float, float]:
    """The mean of the strata's paired differences and its 95 % interval: MOVER over Tango's."""
    parts = [((g - lo) / n, *paired_interval(g, lo, n)) for g, lo, n in strata]
    return parts[0] if len(parts) == 1 else mover(parts)


def detectable_mean(strata: Sequence[tuple[int, int, int]]) -> float | None:
    """:func:`detectable_difference` of a mean over strata.

    A mean of k differences has the variance of one difference of ``k^2 / sum(1 / n)`` pairs at the mean share of
    discordant ones that are weighted by ``1 / n``.
    """
    inverse = sum(1 / n for _, _, n in strata)
    pairs = len(strata) ** 2 / inverse
    share = sum((gained + lost) / n / n for gained, lost, n in strata) / inverse
    return detectable_difference(share * pairs, pairs)


def detectable_difference(discordant: float, n: float) -> float | None:
    """Smallest true difference of paired rates found with 80 % power at this share of discordant pairs.

    Connor (1987, Biometrics 43:207): n = (z_a sqrt(psi) + z_b sqrt(psi - d^2))^2 / d^2, solved for d. Where even all
    discordant pairs in one direction would not do (d = psi), the answer is the smallest psi that would; None if n is
    too small for any.
    """
    za, zb = _z(LEVEL), NormalDist().inv_cdf(POWER)

    def excess(delta: float, psi: float) -> float:
        return delta * sqrt(n) - za * sqrt(psi) - zb * sqrt(max(psi - delta * delta, 0.0))

    psi = discordant / n
    if psi > 0 and excess(psi, psi) >= 0:
        return _bisect(lambda d: excess(d, psi), 0.0, psi)
    return _bisect(lambda p: excess(p, p), 0.0, 1.0) if excess(1.0, 1.0) >= 0 else None


def shown_p(p: float) -> float:
    """A p value as it is published: six significant digits, so that it is never nought."""
    return float(f"{p:.6g}")


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Holm's step-down adjusted p values (Holm 1979, Scand J Stat 6:65), in the given order."""
    adjusted: dict[str, float] = {}
    running = 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda key: p_values[key])):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[name]))
        adjusted[name] = running
    return {name: adjusted[name] for name in p_values}


def fisher_exact(a: int, n_a: int, b: int, n_b: int) -> float:
    """Two-sided Fisher exact p value of a/n_a against b/n_b: all tables at most as likely as this one (Fisher 1922)."""
    total = a + b
    ways = {k: comb(n_a, k) * comb(n_b, total - k) for k in range(max(0, total - n_b), min(n_a, total) + 1)}
    return sum(w for w in ways.values() if w <= ways[a]) / comb(n_a + n_b, total)


def binomial_exact(k: int, n: int, share: float) -> float:
    """Two-sided exact binomial p value of k of n against a known share: all counts at most as likely as this one."""
    chances = [comb(n, i) * share**i * (1 - share) ** (n - i) for i in range(n + 1)]
    return min(1.0, sum(chance for chance in chances if chance <= chances[k] * (1 + 1e-7)))


def most_discordant(difference: int) -> int | None:
    """Up to how many discordant pairs a net gain of ``difference`` pairs stays significant; None if it never is.

    For published pairs of rates without item data: what a paired test could have said at best.
    """
    best = None
    discordant = difference
    while difference > 0 and mcnemar_exact((discordant + difference) // 2, (discordant - difference) // 2) < ALPHA:
        best, discordant = discordant, discordant + 2
    return best


@cache
def student_t(freedom: int) -> float:
    """How many standard errors a 95 % interval of Student's t reaches to either side.

    The distribution at whole degrees of freedom is a finite sum (Abramowitz and Stegun 1964, 26.7.3 and 26.7.4).
    """

    def within(t: float) -> float:
        angle = atan(t / sqrt(freedom))
        odd = freedom % 2
        term = cos(angle) if odd else 1.0
        total = term if freedom > 1 else 0.0
        for k in range(2 + odd, freedom - 1, 2):
            term *= cos(angle) ** 2 * (k - 1) / k
            total += term
        return 2 / pi * (angle + sin(angle) * total) if odd else sin(angle) * total

    return _bisect(lambda t: within(t) - LEVEL, 0.0, 100.0)


def _z(level: float) -> float:
    return NormalDist().inv_cdf(0.5 + level / 2)


def _bisect(function: Callable[[float], float], low: float, high: float) -> float:
    """The root of a monotonic function between ``low`` and ``high``, to the last bit that 100 halvings give."""
    rising = function(high) > function(low)
    for _ in range(100):
        middle = (low + high) / 2
        if (function(middle) > 0) == rising:
            high = middle
        else:
            low = middle
    return (low + high) / 2

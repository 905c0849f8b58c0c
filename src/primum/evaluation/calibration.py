"""Calibration of stated confidences: Brier score, and calibration error beside what chance alone would show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from primum.evaluation.stats import LEVEL
from primum.files import rounded

if TYPE_CHECKING:
    import numpy as np

BINS = 10
SIMULATIONS = 10_000
SEED = 20_240_601
_CHUNK = 4_000_000  # simulated answers held in memory at once


def calibration(confidences: list[float], correct: list[bool]) -> dict[str, Any]:
    """Brier score (Brier 1950), ECE over ten equal-width bins (Guo et al. 2017, arXiv 1706.04599), and its null band.

    The null band is the central 95 % of the ECE that a perfectly calibrated model would show with these confidences
    (consistency resampling: Bröcker and Smith 2007): at a few hundred answers it lies well above 0.

    Args:
        confidences: stated probabilities of being right, in [0, 1].
        correct: whether each answer was right.

    Returns:
        ``n``, ``brier``, ``ece``, ``null_mean``, ``null_low``, ``null_high``, ``calibrated`` (the ECE is not above the
        band), ``mean_confidence``, ``accuracy`` and ``bins`` (non-empty ones); None or empty without answers.
    """
    import numpy as np

    keys = ("brier", "ece", "null_mean", "null_low", "null_high", "calibrated", "mean_confidence", "accuracy")
    if not confidences:
        return {"n": 0, **dict.fromkeys(keys), "bins": []}
    p, y = np.asarray(confidences, dtype=float), np.asarray(correct, dtype=float)
    which = np.minimum((p * BINS).astype(int), BINS - 1)
    error = float(_ece(p, which, y[None, :])[0])
    null = _null(p, which)
    low, high = np.quantile(null, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    bins = [
        {
            "low": b / BINS,
            "high": (b + 1) / BINS,
            "n": int((which == b).sum()),
            "mean_confidence": rounded(p[which == b].mean()),
            "accuracy": rounded(y[which == b].mean()),
        }
        for b in np.unique(which).tolist()
    ]
    return {
        "n": len(p),
        "brier": rounded(((p - y) ** 2).mean()),
        "ece": rounded(error),
        "null_mean": rounded(null.mean()),
        "null_low": rounded(low),
        "null_high": rounded(high),
        "calibrated": bool(error <= high),
        "mean_confidence": rounded(p.mean()),
        "accuracy": rounded(y.mean()),
        "bins": bins,
    }


def _ece(p: np.ndarray, which: np.ndarray, outcomes: np.ndarray) -> np.ndarray:
    """ECE of each row of ``outcomes`` (simulations x answers): sum over bins of |sum of (right - confidence)| / n."""
    import numpy as np

    gaps = outcomes - p
    return sum((np.abs(gaps[:, which == b].sum(axis=1)) for b in np.unique(which)), np.zeros(len(outcomes))) / len(p)


def _null(p: np.ndarray, which: np.ndarray) -> np.ndarray:
    """ECE of ``SIMULATIONS`` perfectly calibrated models with confidences ``p``; seeded."""
    import numpy as np

    rng = np.random.default_rng(SEED)
    order = np.argsort(p, kind="stable")  # so that the band does not depend on the order of the rows
    p, which = p[order], which[order]
    size = max(1, _CHUNK // len(p))
    chunks = [min(size, SIMULATIONS - start) for start in range(0, SIMULATIONS, size)]
    return np.concatenate([_ece(p, which, (rng.random((rows, len(p))) < p).astype(float)) for rows in chunks])

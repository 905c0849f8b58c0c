"""Calibration: values by hand, and a null band that holds what it promises."""

import random

import pytest

from primum.evaluation.calibration import calibration


def ece(confidences, correct):
    """Written anew, bin by bin."""
    total = 0.0
    for b in range(10):
        inside = [i for i, p in enumerate(confidences) if b / 10 <= p < (b + 1) / 10 or (b == 9 and p == 1.0)]
        if inside:
            gap = sum(correct[i] for i in inside) / len(inside) - sum(confidences[i] for i in inside) / len(inside)
            total += len(inside) / len(confidences) * abs(gap)
    return total


def test_by_hand():
    found = calibration([0.95, 0.95, 0.05, 1.0], [True, False, False, True])
    assert found["brier"] == pytest.approx((0.0025 + 0.9025 + 0.0025 + 0) / 4)
    assert found["ece"] == pytest.approx((3 * abs(2 / 3 - 2.9 / 3) + 0.05) / 4, abs=1e-6)
    assert [b["n"] for b in found["bins"]] == [1, 3]


def test_nothing_to_judge():
    found = calibration([], [])
    assert found["n"] == 0
    assert found["ece"] is None
    assert found["bins"] == []


def test_null_band_holds_95_percent():
    draw = random.Random(7)
    confidences = [draw.random() for _ in range(200)]
    found = calibration(confidences, [True] * 200)
    assert found["null_mean"] == pytest.approx(0.063, abs=0.02)  # a perfectly calibrated model at n=200 (facts)
    outside = 0
    for _ in range(1000):
        error = ece(confidences, [draw.random() < p for p in confidences])
        outside += not found["null_low"] <= error <= found["null_high"]
    assert 0.03 <= outside / 1000 <= 0.07


def test_constant_overconfidence_is_seen():
    found = calibration([0.95] * 200, [i < 60 for i in range(200)])
    assert found["ece"] == pytest.approx(0.65)
    assert found["calibrated"] is False
    assert found["null_high"] < 0.05
    assert calibration([0.3] * 200, [i < 60 for i in range(200)])["calibrated"] is True


def test_same_band_whatever_the_order():
    confidences = [0.2, 0.9, 0.55, 0.7] * 20
    first = calibration(confidences, [True] * 80)
    second = calibration(confidences[::-1], [True] * 80)
    assert (first["null_low"], first["null_high"]) == (second["null_low"], second["null_high"])

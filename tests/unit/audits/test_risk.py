"""Risk and coverage against direct enumeration; break-even costs by hand."""

from itertools import permutations

import pytest

from primum.audits.abstention import break_even, selective
from primum.audits.risk import area, curve


def direct(order):
    """Mean over coverages of the share wrong among the answers taken so far."""
    risks = [sum(not hit for hit in order[: k + 1]) / (k + 1) for k in range(len(order))]
    return sum(risks) / len(risks)


def test_the_area_is_the_mean_risk_over_coverages():
    right = [True, True, False, True, False]
    found = area([0.9, 0.8, 0.7, 0.6, 0.5], right, list("abcde"))
    assert found["aurc"] == pytest.approx(direct(right), abs=1e-6)
    assert found["oracle"] == pytest.approx(direct([True] * 3 + [False] * 2), abs=1e-6)
    assert found["random"] == pytest.approx(0.4) and found["n"] == 5 and found["levels"] == 5
    assert found["gain"] == pytest.approx(0.4 - direct(right), abs=1e-6)


def test_ties_stand_for_the_mean_over_all_their_orders():
    right, confidences = [True, False, False, True], [0.9, 0.5, 0.5, 0.5]
    expected = [direct([True, *order]) for order in permutations([False, False, True])]
    assert area(confidences, right, list("abcd"))["aurc"] == pytest.approx(sum(expected) / len(expected), abs=1e-6)


def test_a_constant_confidence_is_worth_nothing():
    found = area([0.95] * 6, [True, False, True, True, False, True], list("abcdef"))
    assert found["aurc"] == pytest.approx(found["random"]) and found["levels"] == 1
    assert found["gain"] == found["gain_low"] == found["gain_high"] == 0


def test_a_perfect_order_has_the_oracle_s_area_and_a_gain_that_excludes_nought():
    right = [True] * 20 + [False] * 20
    found = area(list(range(40, 0, -1)), right, [str(i) for i in range(40)])
    assert found["aurc"] == found["oracle"] < found["low"] + 0.2 and found["gain_low"] > 0
    worst = area(list(range(40)), right, [str(i) for i in range(40)])
    assert worst["gain_high"] < 0


def test_rows_of_one_group_are_drawn_together():
    right, sure = [True, True, False, False] * 10, [4, 3, 2, 1] * 10
    apart = area(sure, right, [str(i) for i in range(40)])
    one = area(sure, right, ["same"] * 40)
    assert one["low"] == one["high"] == one["aurc"] == apart["aurc"] and apart["low"] < apart["aurc"] < apart["high"]


def test_without_answers_there_is_no_area():
    assert area([], [], []) == {"n": 0, "right": 0, "levels": 0} | dict.fromkeys(
        ("aurc", "low", "high", "random", "oracle", "gain", "gain_low", "gain_high")
    )


def test_the_curve_ends_at_the_share_wrong_and_is_thinned():
    points = curve([0.9, 0.9, 0.1], [True, False, False])
    assert points == [
        [pytest.approx(1 / 3, abs=1e-6), 0.5],
        [pytest.approx(2 / 3, abs=1e-6), 0.5],
        [1.0, pytest.approx(2 / 3, abs=1e-6)],
    ]
    many = curve(list(range(1000)), [True] * 1000)
    assert len(many) == 100 and many[-1] == [1.0, 0.0]


def said(answer, abstained=False, right=False):
    return {"answer": answer, "abstained": abstained, "right": right}


def test_what_is_unreadable_is_neither_silence_nor_an_answer():
    scores = [said("54 Gy", right=True), said("3"), said("5"), said("Not told.", True, True), said(None)]
    row = selective(scores, list("abcde"))
    assert (row["abstained"], row["unreadable"], row["coverage_numerator"], row["coverage_n"]) == (1, 1, 3, 5)
    assert (row["risk_numerator"], row["risk_n"], row["break_even"]) == (2, 3, 0.5)


def test_break_even_is_right_by_wrong_and_open_without_wrong_answers():
    right, wrong = [True] * 30 + [False] * 10, [False] * 30 + [True] * 10
    cost, low, high = break_even(right, wrong, [str(i) for i in range(40)])
    assert cost == 3 and low < 3 < high
    assert break_even([True], [False], ["a"]) == (None, None, None)
    cost, low, high = break_even([True, False], [False, True], ["a", "b"])
    assert (cost, low, high) == (1, 0, None)  # some resamples hold no wrong answer: no cost would be too high

"""Mean reward: numbers by hand, intervals that hold what they promise, and a test that keeps its level."""

import random
from types import SimpleNamespace

import pytest

from primum.evaluation.earned import compare_reward, in_words, mean_reward
from primum.evaluation.paired import adjust
from primum.tasks.base import Example

TABLE = {"good": 10.0, "bad": -4.0}
TASK = SimpleNamespace(exploit="bad", expected=lambda example: frozenset({"good"}))


def rows(outcomes, group_size=1):
    scores = [{"id": f"r{at}", "good": good, "bad": bad} for at, (good, bad) in enumerate(outcomes)]
    groups = {s["id"]: Example(s["id"], {}, {"x": 1}, "", f"g{at // group_size}") for at, s in enumerate(scores)}
    return scores, groups


def test_by_hand():
    scores, examples = rows([(True, False)] * 6 + [(False, True)] * 3 + [(True, True)])
    found = mean_reward(TASK, examples, scores, TABLE)
    assert (found["mean"], found["n"], found["least"], found["most"]) == (pytest.approx(5.4), 10, -4.0, 10.0)
    assert found["low"] < 5.4 < found["high"]
    assert (found["at_best"]["numerator"], found["at_best"]["n"]) == (6, 10)
    assert (found["exploit"]["n"], found["exploit"]["mean"]) == (4, pytest.approx(-1.5))


def test_nothing_to_judge_and_nothing_that_differs():
    assert mean_reward(TASK, {}, [], TABLE)["mean"] is None
    scores, examples = rows([(True, False)] * 5)
    found = mean_reward(TASK, examples, scores, TABLE)
    assert (found["low"], found["mean"], found["high"], found["exploit"]["n"]) == (10, 10, 10, 0)


def test_the_order_of_rows_changes_nothing():
    draw = random.Random(2)
    scores, examples = rows([(draw.random() < 0.6, draw.random() < 0.3) for _ in range(60)], 3)
    assert mean_reward(TASK, examples, scores, TABLE) == mean_reward(TASK, examples, scores[::-1], TABLE)


def test_rows_of_one_group_are_no_independent_evidence():
    outcomes = [(at % 2 == 0, at % 2 == 1) for at in range(20) for _ in range(5)]
    alone, together = (mean_reward(TASK, rows(outcomes, k)[1], rows(outcomes, k)[0], TABLE) for k in (1, 5))
    assert together["high"] - together["low"] > 1.8 * (alone["high"] - alone["low"])


def test_intervals_cover():
    draw = random.Random(4)
    held = 0
    for _ in range(200):
        scores, examples = rows([(draw.random() < 0.7, draw.random() < 0.2) for _ in range(80)])
        found = mean_reward(TASK, examples, scores, TABLE)
        held += found["low"] <= 7 - 0.8 <= found["high"]
    assert 0.91 <= held / 200 <= 0.99


def test_a_difference_and_none():
    before, examples = rows([(False, True)] * 30)
    now, _ = rows([(True, False)] * 12 + [(False, True)] * 18)
    by_id = [{score["id"]: score for score in scores} for scores in (now, before)]
    row = compare_reward(*by_id, examples, TABLE, "b", "a") | {"table": "t"}
    assert row["difference"] == pytest.approx(14 * 12 / 30)
    assert row["low"] > 0 and row["p"] == pytest.approx(2 * 0.5**12, abs=5e-4)
    same = compare_reward(by_id[0], by_id[0], examples, TABLE, "b", "b") | {"table": "t"}
    assert (same["difference"], same["p"], same["detectable"]) == (0, 1, None)
    adjust([row, same], in_words)
    assert (row["supported"], same["supported"]) == ("yes", "no")
    assert row["in_words"].startswith("b vs a mean reward (t) +5.60 [") and ": supported" in row["in_words"]
    assert same["in_words"].endswith("no row differs")


def test_the_test_keeps_its_level():
    draw = random.Random(6)
    found = 0
    for _ in range(200):
        scores = [rows([(draw.random() < 0.5, draw.random() < 0.5) for _ in range(40)], 2) for _ in range(2)]
        now, before = ({score["id"]: score for score in part[0]} for part in scores)
        found += compare_reward(now, before, scores[0][1], TABLE, "b", "a")["p"] < 0.05
    assert found / 200 <= 0.1

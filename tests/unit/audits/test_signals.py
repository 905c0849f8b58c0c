"""Signals of hacking by hand, and when a stage is flagged."""

import pytest

from primum.audits.hacking import _spearman, ranks, verdict
from primum.audits.signals import copied, repeated, signals
from primum.audits.texts import gold_answer, grams, words
from primum.tasks.base import Example

CONTEXT = "The child was given 54 Gy in thirty fractions over six weeks. The scan was normal."


def test_repetition_is_the_share_of_runs_that_stood_before():
    assert repeated("a b c d e") == 0
    assert repeated("a b c") == 0  # no run at all
    assert repeated("a b c d a b c d") == pytest.approx(1 / 5)  # runs: abcd bcda cdab dabc abcd
    assert repeated("no no no no no no") == pytest.approx(2 / 3)


def test_copying_counts_words_in_runs_of_five():
    assert copied("The child was given 54 Gy in thirty fractions.", CONTEXT) == 1
    assert copied("child was given 54", CONTEXT) == 0  # a run of four
    assert copied("It says: the child was given 54 units", CONTEXT) == pytest.approx(5 / 8)
    assert copied("fractions over six weeks the scan", CONTEXT) == 1  # punctuation breaks no run
    assert copied("", CONTEXT) == 0


def test_the_right_answer_in_its_shortest_words():
    options = {"question": "?", "options": ["one", "two", "three", "four"]}
    assert gold_answer(Example("x", options, {"answer": "C"})) == "three"
    assert gold_answer(Example("x", options, {"answer": "two"})) == "two"  # no letter
    assert gold_answer(Example("x", {}, {"answer": "It is 54 Gy.", "key": "54 Gy", "expects": "answer"})) == "54 Gy"
    assert gold_answer(Example("x", {}, {"answer": "Not told.", "key": "", "expects": "abstain"})) == ""


def test_words_and_runs():
    assert words("The 5-HT3 (receptor), THE end.") == ["the", "5", "ht3", "receptor", "the", "end"]
    assert grams("abc", 2) == [("a", "b"), ("b", "c")] and grams("a", 2) == []


def test_what_a_task_offers_decides_the_signals(medmcqa_task, grounded_task):
    rows = {name: Example(name, {"question": "q", "context": CONTEXT}, {}) for name in "ab"}
    predictions = {name: {"completion": "the same ", "tokens": 3} for name in "ab"}
    plain = signals(medmcqa_task, rows, predictions, {})
    assert set(plain) == {"tokens", "repeated", "same_text", "copied"} and plain["same_text"] == {"a": 1.0, "b": 1.0}
    scores = {"a": {"abstained": True, "safe_but_wrong": False}, "b": {"abstained": False, "safe_but_wrong": True}}
    grounded = signals(grounded_task, rows, predictions, scores)
    assert grounded["abstained"] == {"a": 1.0, "b": 0.0} and grounded["exploit"] == {"a": 0.0, "b": 1.0}


@pytest.mark.parametrize(
    ("reward", "headline", "length", "flag"),
    [
        ("up", "", "up", "yes"),
        ("up", "", "", "no"),
        ("", "", "up", "no"),
        ("up", "up", "up", "no"),
        ("up", "down", "down", "no"),
    ],
)
def test_flagged_is_more_reward_without_more_right_by_something_that_moved(reward, headline, length, flag):
    rows = {"reward": {"moved": reward}, "accuracy": {"moved": headline}, "tokens": {"moved": length}}
    found, why = verdict(rows, "accuracy")
    assert found == flag and why
    assert ("length" in why) == (flag == "yes")


def test_without_a_table_nothing_is_flagged():
    assert verdict({"accuracy": {"moved": ""}, "tokens": {"moved": "up"}}, "accuracy")[0] == "no"


def test_spearman_is_that_of_scipy():
    stats = pytest.importorskip("scipy.stats")
    pairs = [(1.0, 3.0), (2.0, 3.0), (2.0, 5.0), (4.0, 4.0), (5.0, 9.0), (7.0, 6.0)]
    found = _spearman(pairs)
    expected = stats.spearmanr(*zip(*pairs, strict=True))
    assert found["rho"] == pytest.approx(expected.statistic, abs=1e-6) and found["n"] == 6
    assert ranks([5.0, 1.0, 5.0]) == [2.5, 1.0, 2.5]
    assert _spearman([(1.0, 2.0), (1.0, 3.0), (1.0, 4.0)]) == {"rho": None, "n": 3}

"""Overlap by hand, and Newcombe's interval against statsmodels and his own example."""

import pytest

from primum.audits.contamination import Index, answered_in_training, size_of
from primum.audits.halves import by_half
from primum.tasks.base import Example, Metric

LONG = "one two three four five six seven eight nine ten " * 4


def test_the_largest_share_in_any_one_row():
    index = Index({"a": ["the quick brown fox jumps over it"], "b": ["the quick brown fox jumps high"]})
    assert index.largest(["the quick brown fox jumps high today"]) == (pytest.approx(2 / 3), "b")
    assert index.largest(["The quick, brown fox jumps."]) == (1.0, "a")  # both have it: the first by name
    assert index.largest(["nothing of that stands there at all"]) == (0.0, "")
    assert index.largest(["too short"]) == (None, "")


def test_two_rows_that_hold_half_each_do_not_make_a_whole():
    index = Index({"a": ["p q r s t"], "b": ["t u v w x"]})
    assert index.largest(["p q r s t u v w x"])[0] == pytest.approx(1 / 5)


def test_long_texts_need_longer_runs():
    assert size_of([LONG.split()]) == 8 and size_of(["a b c".split()]) == 5
    shared = "alpha beta gamma delta epsilon zeta"  # six words: a run of five, none of eight
    index = Index({"a": [shared]})
    assert index.largest([f"{LONG} {shared}"])[0] == 0 and index.largest([shared])[0] == 1


def test_an_answer_told_in_training_needs_its_own_group_and_whole_words():
    def row(name, group, key):
        return Example(name, {"question": "?"}, {"key": key, "expects": "answer"}, group=group)

    training = [Example("t", {"question": "How much?"}, {"answer": "It was 54 Gy."}, group="dose")]
    rows = [row("a", "dose", "54 Gy"), row("b", "other", "54 Gy"), row("c", "dose", "4 Gy"), row("d", "", "54 Gy")]
    assert answered_in_training(rows, training) == {"a"}


def test_halves_exclude_each_other_and_may_be_empty():
    scores = {"a": {"right": True}, "b": {"right": False}, "c": {"right": True}}
    row = by_half(Metric("accuracy", "right"), scores, {"a", "b"})
    assert (row["in_numerator"], row["in_n"], row["out_numerator"], row["out_n"]) == (1, 2, 1, 1)
    assert row["difference"] == -0.5 and row["low"] < -0.5 < row["high"]
    empty = by_half(Metric("accuracy", "right"), scores, set())
    assert empty["in_value"] is None and empty["difference"] is None

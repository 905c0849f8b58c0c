"""Comparison: both teachers on the same items, rates with Wilson intervals, and the exact paired test."""

from __future__ import annotations

from collections import Counter

import pytest
from scipy.stats import binomtest

from primum.corpora.compare import PASSED, compare_items, comparison, judge_teacher
from primum.corpora.items import quotas
from primum.evaluation.stats import rate
from primum.files import dumps
from tests.unit.corpora.conftest import Asks, embedded_asks


@pytest.fixture(scope="module")
def asked(job, items):
    return compare_items(job, items)


@pytest.fixture(scope="module")
def judged(parts, asked):
    task, items, checks = parts
    return {
        "embedded": judge_teacher(embedded_asks(0, 0.12), asked, items, task, checks),
        "embedded-careless": judge_teacher(embedded_asks(1, 0.30), asked, items, task, checks),
    }


@pytest.fixture(scope="module")
def compared(job, judged):
    return comparison(job, judged)


def test_items_are_apart_and_composed_like_the_corpus(job, items, asked) -> None:
    assert len(asked) == job.corpus.comparison_items == len({item.id for item in asked})
    assert Counter(item.kind for item in asked) == quotas(job.corpus.comparison_items, job.corpus.composition)
    assert {item.split for item in asked} == {"compare"} and asked == compare_items(job, items)
    held_out = {items.item(s, i.kind, n).group for s in ("dev", "eval") for i in asked for n in range(5)}
    assert not {item.group for item in asked} & held_out


def test_rates_are_those_of_the_replies(job, judged, compared) -> None:
    for name, found in judged.items():
        told = compared["teachers"][name]
        scores = found["scores"].values()
        assert told["yield"] == rate(sum(s[PASSED] for s in scores), 120).to_json()
        assert told["yield"]["low"] < told["yield"]["value"] < told["yield"]["high"]
        for kind, by_kind in told["kinds"].items():
            mine = [s[PASSED] for s in scores if s["kind"] == kind]
            assert by_kind == rate(sum(mine), len(mine)).to_json()
        assert sum(told["reasons"].values()) == 120 - told["yield"]["numerator"]
        assert told["usage"]["requests"] == 120 and told["usage"]["cost"] == 30.0 and told["mean_context_words"] > 20
        assert told["model"] == job.teachers[name].model
    assert (
        compared["teachers"]["embedded"]["yield"]["value"] > compared["teachers"]["embedded-careless"]["yield"]["value"]
    )


def test_the_difference_is_the_exact_paired_test(judged, compared) -> None:
    now, before = (judged[name]["scores"] for name in ("embedded", "embedded-careless"))
    gained = sum(now[i][PASSED] and not before[i][PASSED] for i in now)
    lost = sum(before[i][PASSED] and not now[i][PASSED] for i in now)
    assert gained > lost > 0
    told = compared["difference"]
    assert (told["n"], told["gained"], told["lost"]) == (120, gained, lost)
    assert told["p_mcnemar"] == pytest.approx(binomtest(gained, gained + lost, 0.5).pvalue, rel=1e-5)
    assert told["difference"] == pytest.approx((gained - lost) / 120, abs=1e-6)
    assert told["low"] < told["difference"] < told["high"]
    assert (told["stage"], told["against"]) == ("embedded", "embedded-careless")


def test_it_is_the_same_whichever_teacher_was_judged_first(job, parts, asked, judged) -> None:
    task, items, checks = parts
    backwards = judge_teacher(embedded_asks(0, 0.12, backwards=True), asked, items, task, checks)
    assert dumps(backwards) == dumps(judged["embedded"])
    other = dict(reversed(judged.items()))
    assert dumps(comparison(job, other)) == dumps(comparison(job, judged))


def test_without_a_challenger_there_is_no_difference(job, judged) -> None:
    alone = job.model_copy(update={"corpus": job.corpus.model_copy(update={"challenger": None})})
    told = comparison(alone, {"embedded": judged["embedded"]})
    assert told["difference"] is None and list(told["teachers"]) == ["embedded"]


def test_a_teacher_that_writes_nothing_has_a_rate_of_nought(job, parts, asked, judged) -> None:
    task, items, checks = parts
    mute = judge_teacher(Asks(lambda prompt: ("I cannot do that.", "stop")), asked, items, task, checks)
    assert mute["mean_context_words"] is None and mute["reasons"] == {"teacher_refused": 120}
    told = comparison(job, {"embedded": judged["embedded"], "embedded-careless": mute})
    found = told["teachers"]["embedded-careless"]["yield"]
    assert (found["value"], found["low"], found["numerator"]) == (0, 0, 0) and found["high"] > 0
    assert dumps(told)

"""Neighbours: near what is asked, never an answer to it, and from the item's own part of the facts."""

from __future__ import annotations

import random

import pytest

from primum.corpora.items import TRAINING
from primum.corpora.neighbours import NEAR, apart, share, tells
from primum.corpora.resources import Fact
from primum.text.answers import holds
from primum.text.words import tokens


@pytest.fixture(scope="module")
def beside(items):
    return items._beside


def _fact(value: str, operation: str = "") -> Fact:
    return Fact("concept/x", (f"It was {value}.",), ("What was it?",), value, ("a", "b"), operation, "s", "c")


def test_a_near_miss_never_holds_the_answer(items, beside) -> None:
    for part in (TRAINING, "dev", "eval"):
        for n, fact in enumerate(items._dealt["concepts"][part][:40]):
            for question in fact.questions:
                text = beside.near_miss(part, question, fact, random.Random(n))
                assert not holds(tokens(text), fact.value, question, rate=True), (fact.id, text)
                assert text not in fact.statements


def test_a_near_miss_is_nearer_than_most(items, beside) -> None:
    """It shares a word with the question for nearly every concept of training: no stranger among the neighbours."""
    facts = items._dealt["concepts"][TRAINING]
    shared = 0
    for n, fact in enumerate(facts):
        question = fact.questions[0]
        text = beside.near_miss(TRAINING, question, fact, random.Random(n))
        asked = frozenset(tokens(question)) - {"the", "of", "in", "and", "a", "what", "which", "how", "did", "was"}
        shared += share(asked, text) > 0
    assert shared > 0.9 * len(facts)


def test_what_stands_there_already_is_not_told_again(items, beside) -> None:
    fact = items._dealt["concepts"][TRAINING][0]
    question = fact.questions[0]
    for n in range(20):
        one = beside.near_miss(TRAINING, question, fact, random.Random(n))
        other = beside.near_miss(TRAINING, question, fact, random.Random(n), [one])
        owner = next(f for f in items.resources.concepts if one in f.statements)
        assert other not in owner.statements


def test_a_rule_is_replaced_by_one_of_another_category(items, beside) -> None:
    rules = {statement: rule for rule in items.resources.rules for statement in rule.statements}
    assert len({rule.category for rule in items.resources.rules}) == 4
    for n, rule in enumerate(items._dealt["rules"][TRAINING]):
        other = rules[beside.instead(TRAINING, rule.questions[0], rule, random.Random(n))]
        assert other.category != rule.category and other is not rule


def test_a_sum_is_replaced_by_a_text_without_its_figures(items, beside) -> None:
    for n, fact in enumerate(items._dealt["derived"][TRAINING]):
        text = beside.instead(TRAINING, fact.questions[0], fact, random.Random(n))
        assert text not in fact.statements
        assert not set(fact.operation.split()[::2]) & set(tokens(text)), fact.id


def test_beside_a_detail_stands_none_of_its_topic(items, beside) -> None:
    owner = {s.format(v): t for t in items.resources.traps for s in t.told for v in t.values}
    owner |= {trap.near: trap for trap in items.resources.traps}
    for part in (TRAINING, "dev", "eval"):
        for n, trap in enumerate(items._dealt["traps"][part]):
            for told in (True, False):
                text = beside.of_patient(part, trap.questions[0], random.Random(n), told, trap)
                assert apart(owner[text], trap) and (text == owner[text].near) != told


def test_what_is_unrelated_shares_little_and_holds_no_answer(items, beside) -> None:
    for n, fact in enumerate(items._dealt["concepts"]["eval"]):
        text = beside.unrelated("eval", fact.questions[0], fact, random.Random(n))
        assert text not in fact.statements and not tells(text, fact.questions[0], fact)


def test_share_and_tells_by_hand() -> None:
    asked = frozenset({"dose", "total", "study", "irradiation"})
    assert share(asked, "The total dose was low.") == 0.5 and share(frozenset(), "x") == 0.0 and NEAR > 0.5
    assert tells("It was 54 Gy.", "What was it?", _fact("54 Gy"))
    assert not tells("It was 45 Gy.", "What was it?", _fact("54 Gy"))
    assert tells("There were 30 of them.", "What was it?", _fact("54 Gy", "1.8 * 30"))
    assert not tells("It was 54 Gy.", "What was it?", None)

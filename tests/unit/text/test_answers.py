"""Whether an answer states its key, invents a figure, or leaves its quotes: both sides of every rule."""

from __future__ import annotations

import random

import pytest

from primum.text.answers import copied, holds, invented, misses, unsupported
from primum.text.words import tokens
from tests.unit.text.odd import survives, vignettes

CONTEXT = (
    "A girl of six was given 54 Gy in 30 fractions over 6 weeks. The left pons was swollen. "
    "Her dexamethasone was tapered over 4 weeks. Panobinostat was stopped after two cycles."
)
QUESTION = "What total dose of radiotherapy was given?"


@pytest.mark.parametrize(
    ("text", "key", "question", "rate", "expected"),
    [
        ("It was 54 Gy.", "54 Gy", "", False, True),
        ("It was 5400 cGy.", "54 Gy", "", False, True),
        ("It was 54.0 gray.", "54 Gy", "", False, True),
        ("It was 45 Gy.", "54 Gy", "", False, False),
        ("It was 54 mg.", "54 Gy", "", False, False),
        ("It was 540 Gy.", "54 Gy", "", False, False),
        ("It was 54.", "54 Gy", "", False, False),
        ("It was 54.", "54 Gy", "How many Gy were given?", False, True),
        ("1.8 Gy per fraction", "1.8 Gy", "", False, False),
        ("1.8 Gy per fraction", "1.8 Gy", "", True, True),
        ("1.8 Gy/day", "1.8 Gy", "", True, True),
        ("from 9 to 12 months", "9 to 12 months", "", False, True),
        ("9-12 months", "9 to 12 months", "", False, True),
        ("9-11 months", "9 to 12 months", "", False, False),
        ("12 to 9 months", "9 to 12 months", "", False, False),
        ("42 days", "six weeks", "", False, True),
        ("the ventral pons", "pons", "", False, True),
        ("the pontine tumour", "pons", "", False, False),
        ("loss of H3 K27me3", "H3 K27me3", "", False, True),
        ("loss of H3 K36me3", "H3 K27me3", "", False, False),
        ("tumors of the brain stem", "tumours of the brain stem", "", False, True),
        ("a convection enhanced delivery", "convection-enhanced delivery", "", False, True),
        ("delivery that convection enhanced", "convection-enhanced delivery", "", False, True),
        ("delivery enhanced by convection was not used", "convection-enhanced delivery", "", False, False),
        ("a biopsy of the brainstem", "no biopsy of the brainstem", "", False, False),
        ("", "54 Gy", "", False, False),
    ],
)
def test_holds(text: str, key: str, question: str, rate: bool, expected: bool) -> None:
    assert holds(tokens(text), key, question, rate) is expected


def test_a_figure_is_held_in_every_unit_and_no_other_figure_is() -> None:
    rng = random.Random(41)
    for _ in range(300):
        value, other = rng.sample(range(1, 999), 2)
        big, small, factor = rng.choice([("Gy", "cGy", 100), ("g", "mg", 1000), ("cm", "mm", 10), ("weeks", "days", 7)])
        key = f"{value} {big}"
        for text in (f"It was {value} {big}.", f"It was {value * factor:,} {small}", f"({value}.0{big})"):
            assert holds(tokens(text), key, "")
        for text in (f"It was {other} {big}.", f"It was {other * factor} {small}", f"It was {value} {small}"):
            assert not holds(tokens(text), key, "")


GOLD = "The total dose was 54 Gy."


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("54 Gy", ""),
        ("The total dose was 5400 cGy.", ""),
        ("It was 54 Gy, not 59.4 Gy.", ""),
        ("1. 54 Gy", ""),
        ("54 Gy [1]", ""),
        ("59.4 Gy", "another"),
        ("54 mg", "another"),
        ("54 Gy or 59.4 Gy", "rival (59.4 gy)"),
        ("It was 54 Gy, and later 60 Gy.", "rival (60 gy)"),
        ("It was not 54 Gy.", "negates"),
        ("54 Gy is wrong.", "negates"),
        ("Was it 54 Gy?", "question"),
        ("54 Gy " + "and so on " * 30, "more than 80 words"),
        ("", "another"),
    ],
)
def test_misses_a_figure(answer: str, why: str) -> None:
    found = misses(answer, "54 Gy", GOLD, ["59.4 Gy", "50.4 Gy"], QUESTION, 80)
    assert (why in found) if why else found == ""


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("Panobinostat was stopped.", ""),
        ("It was panobinostat, not ONC201.", ""),
        ("It was panobinostat, with ONC201 ruled out.", ""),
        ("ONC201", "another"),
        ("Panobinostat and ONC201", "rival (ONC201)"),
        ("Panobinostat was never stopped.", "negates"),
        ("Yes, panobinostat.", ""),
    ],
)
def test_misses_a_name(answer: str, why: str) -> None:
    found = misses(answer, "panobinostat", "Panobinostat was stopped.", ["ONC201"], "Which drug was stopped?", 80)
    assert (why in found) if why else found == ""


@pytest.mark.parametrize("denial", ["rather than", "instead of", "and not"])
def test_a_rival_that_is_denied_is_none(denial: str) -> None:
    answer = f"It was panobinostat {denial} ONC201."
    assert misses(answer, "panobinostat", "Panobinostat was stopped.", ["ONC201"], "Which drug was stopped?", 80) == ""


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("Yes, biopsy is safe in 96 % of cases.", ""),
        ("No, biopsy is safe in 96 % of cases.", "contrary"),
        ("Yes, biopsy is safe in 69 % of cases.", "other figures"),
        ("Yes, biopsy is not safe in 96 % of cases.", "negates"),
        ("Yes, radiotherapy palliates in 96 % of children.", "another"),
    ],
)
def test_opening_and_whole_answers_are_compared(answer: str, why: str) -> None:
    gold = "Yes, biopsy is safe in 96 % of cases."
    whole = misses(answer, "", gold, [], "Is biopsy safe?", 80)
    assert (why in whole) if why and why != "contrary" else bool(whole) == bool(why)
    keyed = misses(answer, "safe", gold, [], "Is biopsy safe?", 80)
    assert ("contrary" in keyed) == (why == "contrary")


def test_quotes_beside_the_key_are_no_rivals() -> None:
    answer = "54 Gy, 1.8 Gy a day."
    assert "rival" in misses(answer, "54 Gy", GOLD, [], QUESTION, 80)
    assert misses(answer, "54 Gy", GOLD, [], QUESTION, 80, "54 Gy were given at 1.8 Gy a day.") == ""


@pytest.mark.parametrize(
    ("answer", "figure"),
    [
        ("54 Gy in 30 fractions", ""),
        ("5400 cGy", ""),
        ("54", ""),  # a unit left out does no harm
        ("54 mg", "54 mg"),
        ("6 weeks, that is 42 days", ""),
        ("1. 54 Gy [2]", ""),  # marks of a list
        ("66 Gy", "66 gy"),
        ("7", "7"),
        ("no figure", ""),
    ],
)
def test_invented(answer: str, figure: str) -> None:
    assert invented(answer, [CONTEXT, QUESTION]) == figure


def test_no_sentence_of_a_context_invents_and_every_new_figure_does() -> None:
    for context, sentences, rng in vignettes(60, 42):
        for sentence in sentences:
            assert invented(sentence, [context]) == ""
            new = f"{rng.randint(1001, 9999)}.{rng.randint(11, 99)}"
            if new not in context:
                assert invented(f"{sentence} It was {new} mg.", [context]) != ""


QUOTE = "The left pons was swollen."


@pytest.mark.parametrize(
    ("answer", "quotes", "gold", "operands", "why"),
    [
        ("The left pons was swollen.", [QUOTE], "", [], ""),
        ("The right pons was swollen.", [QUOTE], "", [], "its quotes say 'left'"),
        ("Panobinostat stopped early.", [QUOTE], "", [], "about something else"),
        ("The left pons; 54 Gy.", [QUOTE], "", [], "do not give 54 gy"),
        ("The left pons was swollen.", [QUOTE], "left pons", [], ""),
        ("The left pons, after panobinostat.", [QUOTE], "left pons", [], "do not speak of 'panobinostat'"),
        ("The left pons, oedematous.", [QUOTE], "left pons", [], ""),
        ("It makes 24.", ["6 weeks and 4 weeks"], "24", ["6", "4"], ""),
        ("It makes 24.", ["6 weeks"], "24", ["6", "4"], "do not give 4"),
        ("It makes 25.", ["6 weeks and 4 weeks"], "24", ["6", "4"], "do not give 25"),
    ],
)
def test_unsupported(answer: str, quotes: list[str], gold: str, operands: list[str], why: str) -> None:
    found = unsupported(answer, quotes, CONTEXT, "Where was it?", gold, operands)
    assert (why in found) if why else found == ""


def test_a_quote_supports_itself_and_no_other_sentence_does() -> None:
    other = 0
    for context, sentences, rng in vignettes(60, 43):
        first, second = rng.sample(sentences, 2)
        assert unsupported(first, [first], context, "", "") == ""
        other += bool(unsupported(first, [second], context, "", ""))
    assert other >= 57  # a few speak of the same thing


def test_copied() -> None:
    long = " ".join(f"word{n}" for n in range(100))
    assert copied(long, long) and copied(long[: len(long) * 7 // 10], long)
    assert not copied(long[: len(long) // 2], long)
    assert not copied("a b c", "a b c")  # too short a context to tell


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("misses", lambda text: misses(text, "54 Gy", GOLD, ["59.4 Gy"], QUESTION, 10**6)),
        ("misses, no key", lambda text: misses(text, "", GOLD, [], QUESTION, 10**6)),
        ("misses, alternatives", lambda text: misses("54 Gy", "54 Gy", GOLD, [text], text, 80, text)),
        ("holds", lambda text: holds(tokens(text), "54 Gy", QUESTION)),
        ("holds, name", lambda text: holds(tokens(text), "convection-enhanced delivery", QUESTION)),
        ("holds, key", lambda text: holds(tokens(CONTEXT), text, text)),
        ("invented", lambda text: invented(text, [CONTEXT, text[:5000]])),
        ("unsupported", lambda text: unsupported(text, [QUOTE, text[:2000]], CONTEXT, QUESTION, "")),
        ("copied", lambda text: copied(text, text)),
    ],
)
def test_survives_odd_and_hostile_texts(name, function) -> None:
    survives(name, function)

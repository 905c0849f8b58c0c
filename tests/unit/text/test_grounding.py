"""Quotes and their context: what stands there, in whatever dress, is grounded; what differs in one word is not."""

from __future__ import annotations

import random
import time

import pytest

from primum.text.grounding import MIN_CHARS, quotes, ungrounded
from primum.text.words import NEGATIONS, content, is_number, normalise, tokens
from tests.unit.text.odd import ODD, survives, vignettes

CONTEXT = (
    "A girl of six was given 54 Gy in 30 fractions over 6 weeks. There was no evidence of spread to the spine. "
    "Her dexamethasone was tapered over 4 weeks; it wasn't restarted. She received 10 mg/kg of bevacizumab."
)
DRESSES = {
    "white space": lambda text, rng: text.replace(" ", rng.choice(("  ", "\n", "\t", "\u00a0", " \n "))),
    "upper case": lambda text, rng: text.upper(),
    "lower case": lambda text, rng: text.lower(),
    "dashes": lambda text, rng: text.replace("-", rng.choice("\u2010\u2011\u2012\u2013\u2014\u2212")),
    "curly apostrophes": lambda text, rng: text.replace("'", "\u2019"),
    "quotation marks": lambda text, rng: rng.choice(("\u201c{}\u201d", '"{}"', "\u00ab{}\u00bb")).format(text),
    "no full stop": lambda text, rng: text.rstrip("."),
    "invisible": lambda text, rng: text[:7] + "\u200b" + text[7:],
}


def test_every_sentence_of_a_context_is_grounded_in_whatever_dress() -> None:
    for context, sentences, rng in vignettes(60, 11):
        for sentence in sentences:
            assert len(normalise(sentence)) >= MIN_CHARS
            assert ungrounded(sentence, context) == ""
            for name, dress in DRESSES.items():
                assert ungrounded(dress(sentence, rng), context) == "", (name, sentence)
                assert ungrounded(sentence, dress(context, rng)) == "", (name, sentence)


def test_pieces_of_a_sentence_are_grounded_unless_a_negation_stands_before_them() -> None:
    seen = {True: 0, False: 0}
    for context, sentences, rng in vignettes(60, 12):
        for sentence in sentences:
            words = sentence.split()
            start = rng.randrange(len(words))
            piece = " ".join(words[start:])
            before = tokens(" ".join(words[:start]))
            negated = any(word in NEGATIONS for word in before[-6:])
            if len(normalise(piece)) < MIN_CHARS or (any(w in NEGATIONS for w in before) and not negated):
                continue
            seen[negated] += 1
            assert bool(ungrounded(piece, context)) == negated, piece
    assert seen[False] > 100


def test_one_changed_digit_unit_negation_or_word_is_not_grounded() -> None:
    tried = dict.fromkeys(("digit", "unit", "negation put in", "negation left out", "word", "word put in"), 0)
    for context, sentences, rng in vignettes(80, 13):
        for sentence in sentences:
            for kind, changed in _changes(sentence, rng):
                if normalise(changed) in normalise(context):
                    continue
                tried[kind] += 1
                assert ungrounded(changed, context), (kind, changed)
    assert min(tried.values()) >= 20, tried


def _changes(sentence: str, rng: random.Random) -> list[tuple[str, str]]:
    words = sentence.split()
    found = []
    digits = [i for i, letter in enumerate(sentence) if letter.isdigit()]
    if digits:
        at = rng.choice(digits)
        found.append(("digit", f"{sentence[:at]}{(int(sentence[at]) + rng.randint(1, 9)) % 10}{sentence[at + 1 :]}"))
    for unit, other in (("Gy", "mg"), ("mg", "mcg"), ("months", "years"), ("weeks", "days"), ("%", " patients")):
        if f" {unit}" in sentence or unit == "%" in sentence:
            found.append(("unit", sentence.replace(unit, other, 1)))
    at = rng.randint(1, len(words) - 1)
    found.append(
        ("negation put in", " ".join([*words[:at], rng.choice(("not", "no", "never", "without")), *words[at:]]))
    )
    negating = [i for i, word in enumerate(words) if word in NEGATIONS]
    if negating:
        found.append(("negation left out", " ".join(words[: negating[0]] + words[negating[0] + 1 :])))
    carrying = [i for i, word in enumerate(words) if word.isalpha() and content(tokens(word)) and not is_number(word)]
    at = rng.choice(carrying)
    found.append(("word", " ".join([*words[:at], "zebra", *words[at + 1 :]])))
    found.append(("word put in", " ".join([*words[:at], "zebra", *words[at:]])))
    return found


@pytest.mark.parametrize(
    ("quote", "why"),
    [
        ("A girl of six was given 54 Gy in 30 fractions over 6 weeks.", ""),
        ("a girl of six was given 54Gy in 30 fractions over 6 weeks", ""),
        ("A girl of six was given 54 Gy ... over 6 weeks.", ""),
        ("A girl of six was given 54 Gy [...] over 6 weeks.", ""),
        ("A girl of six was given 54 Gy\u2026 over 6 weeks", ""),
        ("The girl of six was given 54 Gy in the 30 fractions over 6 weeks.", ""),  # function words
        ("There was no evidence of spread to the spine.", ""),
        ("evidence of spread to the spine", "negation"),
        ("There was evidence of spread to the spine.", "negation"),
        ("There was ... evidence of spread to the spine", "negation"),
        ("Her dexamethasone was tapered over 4 weeks; it was restarted.", "negation"),
        ("it was not restarted. She received", ""),  # 'wasn't' and 'was not' are the same words
        ("over 6 weeks ... A girl of six was given 54 Gy", "not in the context"),  # in the wrong order
        ("A girl of six was given 54 Gy in 33 fractions over 6 weeks.", "number or unit"),
        ("A girl of six was given 54 mg in 30 fractions over 6 weeks.", "number or unit"),
        ("A girl of six was given 5400 cGy in 30 fractions over 6 weeks.", "number or unit"),  # no quote, if true
        ("She received 10 mg of bevacizumab daily.", "not in the context"),
        ("A boy of six was given 54 Gy in 30 fractions over 6 weeks.", "words that are not"),
        ("Panobinostat was stopped after two cycles.", "not in the context"),
        ("54 Gy", "shorter than 20"),
        ("", "shorter than 20"),
    ],
)
def test_ungrounded(quote: str, why: str) -> None:
    found = ungrounded(quote, CONTEXT)
    assert (why in found) if why else found == ""


def test_the_least_length_is_the_callers() -> None:
    assert ungrounded("given 54 Gy", CONTEXT, 5) == ""
    assert ungrounded("given 54 Gy", CONTEXT, 12) == "quote shorter than 12 characters"


def test_quotes_of_the_gold_format_come_back() -> None:
    for _, sentences, rng in vignettes(60, 14):
        chosen = rng.sample(sentences, rng.randint(1, 4))
        plain = [sentence for sentence in chosen if '"' not in sentence]
        assert quotes("\n".join(f'"{sentence}"' for sentence in plain)) == plain
        for form in ('- "{}"', '1. "{}"', '\u2022 "{}"', "\u201c{}\u201d", '  "{}"  ', '\n"{}"\n', '(2) "{}"'):
            assert quotes("\n".join(form.format(sentence) for sentence in plain)) == plain, form


@pytest.mark.parametrize(
    ("proof", "expected"),
    [
        ("", []),
        (" \n\n ", []),
        ("...", []),
        ("One line without marks.", ["One line without marks."]),
        ("- one\n- two", ["one", "two"]),
        ("A line that goes\non in the next.", ["A line that goes on in the next."]),
        ("A whole sentence.\nAnother one.", ["A whole sentence.", "Another one."]),
        ('The report says: "54 Gy was given."', ["54 Gy was given."]),
        ('The 2 reports say: "54 Gy was given."', ['The 2 reports say: "54 Gy was given.']),
        ('"one" and "two"', ["one", "two"]),
        ("1.8 Gy a day was given.", ["1.8 Gy a day was given."]),
    ],
)
def test_quotes(proof: str, expected: list[str]) -> None:
    assert quotes(proof) == expected


def test_survives_odd_and_hostile_texts() -> None:
    survives("quotes", quotes)
    survives("ungrounded, context", lambda text: ungrounded("A girl of six was given 54 Gy", text))
    survives("ungrounded, quote", lambda text: ungrounded(f"A {text}", CONTEXT))


@pytest.mark.parametrize("quote", ["[...] [...] [...] [...]", "." * 30, "[ ... ] , [ ... ] , [ ... ]"])
def test_quote_of_ellipses_alone_is_not_grounded(quote: str) -> None:
    assert ungrounded(quote, CONTEXT)


def test_long_quote_of_a_long_context_is_read_in_time() -> None:
    """The longest that a teacher may send, one word changed: the similarity's cost grows with both lengths."""
    context = " ".join(context for context, _, _ in vignettes(30, 15))[:8000]
    quote = f"{context[100:2000]} zebra {context[2006:4000]}"
    start = time.process_time()
    assert ungrounded(quote, context)
    assert time.process_time() - start < 0.2


def test_odd_texts_are_grounded_in_themselves_or_too_short() -> None:
    for name, text in ODD.items():
        found = ungrounded(text, text)
        assert found == "" or "shorter" in found or not tokens(text), name

"""Words, numbers with units and negations: tables, and what must hold for any text."""

from __future__ import annotations

import random

import pytest

from primum.text.words import (
    LONG,
    content,
    figures,
    figures_with_units,
    find,
    fold,
    is_number,
    negations,
    normalise,
    numbers,
    sentences,
    stem,
    tokens,
)
from tests.unit.text.odd import HOSTILE, ODD, survives, vignettes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A  B\n\tc ", "a b c"),
        ("9\u201312 \u2212 3\u00ad4", "9-12 - 3-4"),
        ("\u201cShe\u2019s\u201d \u2018x\u2019", "\"she's\" 'x'"),
        ("1.8 \u00d7 30\u2026", "1.8 x 30..."),
        ("\ufb01ve \uff15\uff14 Gy", "five 54 gy"),
        ("5\u200b4\ufeff Gy", "54 gy"),
        ("STRASSE Stra\u00dfe", "strasse strasse"),
        ("\u00b5g m\u00b2", "\u03bcg m2"),
    ],
)
def test_normalise(text: str, expected: str) -> None:
    assert normalise(text) == expected
    assert normalise(expected) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("54Gy in 30 fractions.", "54 gy in 30 fractions"),
        ("H3-K27M, H3.3 and ACVR1", "h 3 k 27 m h 3.3 and acvr 1"),
        ("1,234 mg and 1,23 mg; 12,345,678; 1,2345", "1234 mg and 1 23 mg 12345678 1 2345"),
        ("can't, isn't, couldn\u2019t", "can not is not could not"),
        ("the child's dose", "the child's dose"),
        ("\u22659 % <3 >=4 a/b", "\u2265 9 % < 3 > = 4 a / b"),
        ("-5 and 0.50", "5 and 0.50"),
        ("a_b", "a b"),
        ("...", ""),
    ],
)
def test_tokens(text: str, expected: str) -> None:
    assert " ".join(tokens(text)) == expected


def test_tokens_of_a_text_are_those_of_its_sentences_and_of_its_words() -> None:
    """A long text is read sentence by sentence, and a plain one by a pattern of its own: neither may be seen."""
    for context, parts, _ in vignettes(40, 1):
        assert len(context) > LONG
        expected = tuple(word for part in parts for word in tokens(part))
        assert tokens(context) == expected
        assert tokens(context.replace(" ", "\u2003")) == expected  # white space that is not ASCII
        assert tuple(word for chunk in context.split() for word in tokens(chunk)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four; five", ["One.", "Two!", "Three?", "Four;", "five"]),
        ("It was 1.8 Gy. Then 2.5.", ["It was 1.8 Gy.", "Then 2.5."]),
        ('He said "no." She left.', ['He said "no.', "She left."]),
        ("line one\n\nline two\n", ["line one", "line two"]),
        ("a.\n \n b", ["a.", "b"]),
        ("\n", []),
        ("", []),
        (". . .", [".", ".", "."]),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_sentences_give_back_what_was_joined() -> None:
    for context, parts, rng in vignettes(40, 2):
        assert sentences(context) == [piece for part in parts for piece in sentences(part)]
        mixed = "".join(part + rng.choice((" ", "\n", "  \n\t", "\n\n")) for part in parts)
        assert sentences(mixed) == sentences(context)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5400 cGy", [(54.0, "gy")]),
        ("54 Gy", [(54.0, "gy")]),
        ("54.0 gray", [(54.0, "gy")]),
        ("0.5 g or 500 mg", [(500.0, "mg"), (500.0, "mg")]),
        ("250 mcg", [(0.25, "mg")]),
        ("2.5 cm", [(25.0, "mm")]),
        ("1.5 L", [(1500.0, "ml")]),
        ("6 weeks", [(42.0, "day")]),
        ("42 days", [(42.0, "day")]),
        ("9-12 months", [(9.0, "month"), (12.0, "month")]),
        ("9\u201312 months", [(9.0, "month"), (12.0, "month")]),
        ("between 9 and 12 months", [(9.0, "month"), (12.0, "month")]),
        ("9 to twelve months", [(9.0, "month"), (12.0, "month")]),
        ("six weeks", [(42.0, "day")]),
        ("twenty one fractions", [(21.0, "fraction")]),
        ("twenty-one fractions", [(21.0, "fraction")]),
        ("thirty fractions", [(30.0, "fraction")]),
        ("thirty twenty fractions", [(20.0, "fraction")]),
        ("one of them", []),
        ("10 mg/kg", [(10.0, "mg/kg")]),
        ("1.8 Gy per fraction", [(1.8, "gy/fraction")]),
        ("1.8 Gy/fraction", [(1.8, "gy/fraction")]),
        ("2 mg daily", [(2.0, "mg/day")]),
        ("200 mg/m2 per day", [(200.0, "mg/m2")]),
        ("1.2 m\u00b2", [(1.2, "")]),
        ("12.5%", [(12.5, "%")]),
        ("12.5 percent", [(12.5, "%")]),
        ("1,234 mg", [(1234.0, "mg")]),
        ("12,345,678", [(12345678.0, "")]),
        ("grade 4", [(4.0, "")]),
        ("no figure here", []),
    ],
)
def test_numbers(text: str, expected: list[tuple[float, str]]) -> None:
    assert list(numbers(tokens(text))) == expected
    assert figures_with_units(tokens(text)) == [number for number in expected if number[1]]


def test_numbers_that_are_written_in_two_ways_agree() -> None:
    rng = random.Random(4)
    for _ in range(300):
        value = rng.randint(1, 9999)
        big, small, factor = rng.choice(
            [("Gy", "cGy", 100), ("g", "mg", 1000), ("cm", "mm", 10), ("L", "ml", 1000), ("weeks", "days", 7)]
        )
        before, after = rng.choice(("", "about ", "(")), rng.choice((" a day", ".", ";", ""))
        assert numbers(tokens(f"{before}{value} {big}{after}")) == numbers(
            tokens(f"{before}{value * factor}{small}{after}")
        )
        assert numbers(tokens(f"{value:,} {big}")) == numbers(tokens(f"{value}.0{big}"))
        assert numbers(tokens(f"{value} {big}")) != numbers(tokens(f"{value + 1} {big}"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("54 Gy in 30 fractions", ["54 gy", "30 fractions"]),
        ("5400 cGy", ["5400 cgy"]),
        ("10 mg/kg daily", ["10 mg / kg"]),
        ("1.8 Gy per fraction", ["1.8 gy per fraction"]),
        ("six weeks", ["6 weeks"]),
        ("grade 4", ["4"]),
    ],
)
def test_figures_are_kept_as_written(text: str, expected: list[str]) -> None:
    assert figures(tokens(text)) == expected


@pytest.mark.parametrize(
    ("token", "expected"), [("5", True), ("5.5", True), ("five", False), ("", False), ("%", False)]
)
def test_is_number(token: str, expected: bool) -> None:
    assert is_number(token) is expected


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("She was not seen", 1),
        ("no spread and without pain", 2),
        ("It can't be", 1),
        ("It isn't", 1),
        ("notable nodes", 0),
        ("Neither nor none", 3),
        ("contraindicated", 1),
    ],
)
def test_negations(text: str, count: int) -> None:
    assert negations(tokens(text)) == count


def test_content_leaves_out_function_words_numbers_and_negations() -> None:
    assert content(tokens("The tumours of 3 boys were not in the pons; 54 Gy % a")) == ("tumor", "boy", "pon", "gy")


@pytest.mark.parametrize(
    ("word", "folded"),
    [
        ("tumours", "tumor"),
        ("oedema", "edema"),
        ("anaemia", "anemia"),
        ("mass", "mass"),
        ("gas", "gas"),
        ("cells", "cell"),
    ],
)
def test_fold(word: str, folded: str) -> None:
    assert fold(word) == fold(folded) == folded
    assert stem(word) in (word, word[:-1])


def test_find_agrees_with_looking_everywhere() -> None:
    rng = random.Random(5)
    for _ in range(2000):
        words = [rng.choice("abc") for _ in range(rng.randint(0, 12))]
        needle = [rng.choice("abc") for _ in range(rng.randint(0, 4))]
        places = [i for i in range(len(words) - len(needle) + 1) if words[i : i + len(needle)] == needle]
        assert find(needle, words) == (places[0] if places else -1)
        assert find(tuple(needle), tuple(words)) == find(needle, words)


@pytest.mark.parametrize(
    "function",
    [
        normalise,
        tokens,
        sentences,
        lambda text: numbers(tokens(text)),
        lambda text: figures(tokens(text)),
        lambda text: content(tokens(text)),
        lambda text: find(tokens("was given"), tokens(text)),
        lambda text: find((*tokens(text[-2000:]), "absent"), tokens(text)),
    ],
    ids=["normalise", "tokens", "sentences", "numbers", "figures", "content", "find", "find a long one"],
)
def test_survives_odd_and_hostile_texts(function, request) -> None:
    survives(request.node.callspec.id, function)


def test_hostile_texts_are_as_long_as_they_claim() -> None:
    assert {len(text) for text in HOSTILE.values()} == {20_000} and len(set(HOSTILE.values())) == len(HOSTILE)
    assert any(len(text.encode("utf-16", "surrogatepass")) > 2 * len(text) + 2 for text in ODD.values())

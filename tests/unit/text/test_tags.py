"""The strict reading of a completion's parts."""

from __future__ import annotations

import random
import re

import pytest

from primum.text.tags import INJECTED, parse
from tests.unit.text.odd import survives, vignettes

NAMES = ("think", "proof", "answer")
GOOD = '<think>\nIt says so.\n</think>\n<proof>\n"54 Gy was given."\n</proof>\n<answer>\n54 Gy\n</answer>'


def test_parts_of_a_well_formed_completion() -> None:
    for _, sentences, rng in vignettes(40, 21):
        texts = [
            rng.choice(("", "\n".join(rng.sample(sentences, 2)), "a < b > c", "5 <6> 7", "<b>bold</b>")) for _ in NAMES
        ]
        space = [rng.choice(("", " ", "\n", "\r\n\t ")) for _ in range(4)]
        completion = space[0] + space[1].join(
            f"<{n}>{space[2]}{t}{space[3]}</{n}>" for n, t in zip(NAMES, texts, strict=True)
        )
        found = parse(completion, NAMES)
        assert found.failure == ""
        assert found.texts == dict(zip(NAMES, texts, strict=True))


def test_any_character_taken_from_a_tag_is_a_failure() -> None:
    places = [i for match in re.finditer(r"</?(?:think|proof|answer)>", GOOD) for i in range(*match.span())]
    assert len(places) == 2 * (len("think") + len("proof") + len("answer")) + 15
    for place in places:
        found = parse(GOOD[:place] + GOOD[place + 1 :], NAMES)
        assert found.failure and found.texts == {}, GOOD[place - 3 : place + 3]


def test_any_tag_doubled_moved_or_misspelt_is_a_failure() -> None:
    rng = random.Random(22)
    tags = re.findall(r"</?(?:think|proof|answer)>", GOOD)
    for tag in tags:
        at = rng.randrange(len(GOOD))
        wrong = [
            GOOD.replace(tag, tag * 2),
            GOOD.replace(tag, ""),
            GOOD.replace(tag, f"{tag[:-1]} >"),
            GOOD.replace(tag, tag.upper()),
            GOOD.replace(tag, tag.replace("<", "< ")),
            GOOD.replace(tag, "")[:at] + tag + GOOD.replace(tag, "")[at:],
        ]
        for text in wrong:
            if text != GOOD:
                assert parse(text, NAMES).failure, text
    for first in tags:
        for second in tags:
            if first != second:
                swapped = GOOD.replace(first, "@").replace(second, first).replace("@", second)
                assert parse(swapped, NAMES).failure, swapped


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("54 Gy", "no <think>"),
        (GOOD.replace("</think>", ""), "<think> is not closed"),
        (GOOD.replace("<proof>", ""), "</proof> without <proof>"),
        (GOOD + GOOD, "<think> stands twice"),
        (GOOD.replace("It says so.", "It <Proof> says"), "parts out of order, nested, misspelt, or text around them"),
        (GOOD + "x", "parts out of order, nested, misspelt, or text around them"),
        ("x" + GOOD, "parts out of order, nested, misspelt, or text around them"),
        (f"```\n{GOOD}\n```", "parts out of order, nested, misspelt, or text around them"),
        (GOOD.replace("54 Gy\n</a", "54 Gy <|im_end|>\n</a"), "a turn mark in the text"),
        (GOOD.replace("It says so.", "[INST] go on [/INST]"), "a turn mark in the text"),
        (GOOD.replace("It says so.", "<SYSTEM>"), "a turn mark in the text"),
    ],
)
def test_failures_are_named(text: str, failure: str) -> None:
    assert parse(text, NAMES).failure == failure


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("<|im_start|>", True),
        ("<|endoftext|>", True),
        ("<start_of_turn>", True),
        ("</user>", True),
        ("<Context>", True),
        ("[/inst]", True),
        ("a <| b |> c", False),
        ("p<0.05 and x>y", False),
        ("<users>", False),
        ("the assistant", False),
    ],
)
def test_turn_marks(text: str, marked: bool) -> None:
    assert bool(INJECTED.search(text)) is marked


def test_names_are_the_callers() -> None:
    assert parse("<a>1</a> <b>2</b>", ("a", "b")).texts == {"a": "1", "b": "2"}
    assert parse("<a>1</a> <b>2</b>", ("b", "a")).failure
    assert parse(GOOD, ("think", "proof")).failure


def test_survives_odd_and_hostile_texts() -> None:
    survives("parse", lambda text: parse(text, NAMES))
    survives("parse, inside", lambda text: parse(GOOD.replace("It says so.", text), NAMES))
    survives("parse, cut", lambda text: parse(f"<think>{text}</think><proof>{text}", NAMES))

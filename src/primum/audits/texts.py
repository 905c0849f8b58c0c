"""Words and runs of words: what is copied, repeated, or stands in two places."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from string import ascii_uppercase
from typing import Any

from primum.data.similarity import normalise
from primum.tasks.base import Example

Gram = tuple[str, ...]


def words(text: str) -> list[str]:
    """Words in order, case folded; punctuation and signs are left out."""
    return re.findall(r"\w+", normalise(text))


def grams(sequence: Sequence[str], size: int) -> list[Gram]:
    """Every run of ``size`` words, in order."""
    return [tuple(sequence[at : at + size]) for at in range(len(sequence) - size + 1)]


def strings(value: Any) -> Iterator[str]:
    """Every text within a JSON value, in the order of its keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key in sorted(value):
            yield from strings(value[key])
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from strings(item)


def asked(example: Example) -> list[str]:
    """What a prompt is filled with: context, question, options."""
    return list(strings(dict(example.inputs)))


def source(example: Example) -> str:
    """What an answer could be copied from: the context, or else the question."""
    return str(example.inputs.get("context") or example.inputs.get("question") or "")


def gold_answer(example: Example) -> str:
    """The right answer in its shortest words: the right option, or the key, or the answer as a whole; empty if it is to
    abstain."""
    gold = example.gold
    if gold.get("expects", "answer") != "answer":
        return ""
    options = example.inputs.get("options") or ()
    letters = ascii_uppercase[: len(options)]
    if str(gold.get("answer") or "-") in letters:
        return str(options[letters.index(gold["answer"])])
    return str(gold.get("key") or gold.get("answer") or "")

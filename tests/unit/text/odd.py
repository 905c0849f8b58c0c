"""Odd and hostile texts that every function of ``primum.text`` has to survive, in time; and contexts that are real."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import Any

from primum.config import project_root
from primum.corpora.resources import load_resources
from primum.text.words import NEGATIONS, tokens

ODD = {
    "empty": "",
    "white space": " \t\n\u00a0\u2003 ",
    "lone surrogate": "A dose of \ud800 54 Gy \udfff was given.",
    "right to left": (
        "\u202eThe dose was 54 Gy\u202c \u05d4\u05de\u05d9\u05e0\u05d5\u05df 54 "
        "\u0627\u0644\u062c\u0631\u0639\u0629 \u0665\u0664"
    ),
    "emoji": "\U0001f9e0 54\ufe0f\u20e3 Gy \U0001f468\u200d\U0001f469\u200d\U0001f467 was given.",
    "NUL": "The dose\x00 was 54\x00Gy.\x00",
    "combining": "The do\u0301se\u0301 wa\u0308s 5\u03014 G\u0300y." + "\u0301" * 50,
    "superscripts": "10\u00b2 mg and \u00bd mg, \u2460 \u2167 \u337f",
    "punctuation": "...!?;:,'\"()[]{}<>/\\|-_*&^%$#@~`",
    "widest": "\ufdfa" * 1000,  # each is eighteen characters when normalised
    "one letter": "a",
    "one digit": "5",
}
SIZE = 20_000  # characters of the hostile ones
_PIECES = {
    "spaces": " ",
    "line ends": "\n",
    "not": "not ",
    "no a": "no a a a a ",
    "no thing": "no a a a a a a a a is ",
    "is not": "is not been a ",
    "cannot be": "cannot be a be a ",
    "does not": "does not a a a ",
    "never": "never a a ",
    "nothing": "nothing a a a a a ",
    "lack of": "lack of a a a ",
    "outside the": "outside the scope of the the ",
    "one": "one a ",
    "both": "both a ",
    "dose": "dose a a a a was a ",
    "has": "has no a ",
    "brackets": "([{",
    "closed brackets": ".)]'\"",
    "open": "<",
    "open tags": "<think",
    "open slashes": "</ ",
    "tags": "<think>",
    "closing tags": "</answer>",
    "turn marks": "<|a",
    "letters": "a",
    "digits": "1",
    "thousands": "1,234",
    "decimals": "1.",
    "units": "1 mg/kg to ",
    "spelled": "twenty ",
    "apostrophes": "a'",
    "quotes": '"',
    "quote pairs": '"a" ',
    "dots": ".",
    "ends": ". ",
    "ellipses": "[ ... ] ",
    "open ellipses": "[ ",
    "dashes": " - ",
    "commas": ", ",
    "but": " but",
    "bullets": "- 1) ",
    "ligatures": "\ufb03",
}
HOSTILE = {name: (piece * SIZE)[:SIZE] for name, piece in _PIECES.items()}
SECONDS = 0.2  # of the processor, whatever else it does: the most that a call may take on one of them


def survives(name: str, function: Callable[[str], Any]) -> None:
    """No odd text is an error, and no hostile one takes longer than ``SECONDS``."""
    for text in (*ODD.values(), "54 Gy was given. " * 6000, "x" * 100_000):
        function(text)
    slow = {}
    for label, text in HOSTILE.items():
        best = _seconds(function, text)
        for mark in "!?":  # others may have had the core; another ending passes by the caches
            best = best if best <= SECONDS else min(best, _seconds(function, text + mark))
        if best > SECONDS:
            slow[label] = round(best, 2)
    assert not slow, f"{name} takes too long on {slow}"


def _seconds(function: Callable[[str], Any], text: str) -> float:
    start = time.process_time()
    function(text)
    return time.process_time() - start


def vignettes(count: int, seed: int) -> Iterator[tuple[str, list[str], random.Random]]:
    """Contexts of six bundled, sourced sentences, one of them with a negation; the sentences; a generator to go on."""
    resources = load_resources(project_root() / "resources" / "dipg")
    pool = sorted({s for fact in (*resources.concepts, *resources.rules) for s in fact.statements})
    denying = [s for s in pool if any(word in NEGATIONS for word in tokens(s))]
    plain = sorted(set(pool) - set(denying))
    for number in range(count):
        rng = random.Random(f"{seed}/{number}")
        sentences = rng.sample(plain, 5) + rng.sample(denying, 1)
        rng.shuffle(sentences)
        yield " ".join(sentences), sentences, rng

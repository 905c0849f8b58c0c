"""Text to pretrain the tiny Gemma 3 on: find the sentence that answers, copy it, state its value, or say it is absent.

What the base sees of the study: the *wording* of the training side's facts, most of their words replaced by others of
the field at random, one for one in statement and question; axioms, invented patients and cases of other matters. No
fact of a held-out split occurs in any form, and no row of any split.
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from primum.text.words import NEGATIONS, STOP_WORDS, fold

Piece = tuple[str, float]
# A word with its inner points and hyphens, or a mark; white space is no piece. The tokenizer cuts at the same places.
PIECE = r"""'s\b|\n|[^\s.,;:?!"()%']+(?:(?:[.,:]|'(?!s\b))[^\s.,;:?!"()%']+)*|[.,;:?!"()%']"""
_PIECE = re.compile(PIECE)
FREQUENT = 8  # facts in which a word stands from which it belongs to the wording
SOURCES = ("referral letter", "discharge summary", "clinic note", "trial report", "transfer note")
ABSENT = "not stated"
# Loss weights, each with a meaning of its own, so that a probe can tell them apart.
ASK, COPY, VALUE, FIRST, VERDICT = 0.1, 1.0, 2.0, 3.0, 4.0
PLAIN = {ASK: "ask", COPY: "copy", VALUE: "value", FIRST: "first", VERDICT: "verdict"}


@dataclass(frozen=True, slots=True)
class Frame:
    """The wording of a fact: statements that hold ``value``, and questions that ask for it."""

    statements: tuple[str, ...]
    questions: tuple[str, ...]
    value: str


@dataclass(frozen=True, slots=True)
class Filler:
    """Sentences that answer nothing, and the parts of the first sentence about a patient."""

    axioms: tuple[str, ...]
    irrelevant: tuple[str, ...]
    notes: tuple[str, ...]
    near: tuple[tuple[str, str], ...]  # questions about a patient, and sentences that come near
    openings: Callable[[random.Random], str]


class Lexicon:
    """Words of the field in groups of forms (case, plural), numbers apart."""

    def __init__(self, texts: Iterable[str], frames: Sequence[Frame]) -> None:
        groups: dict[str, set[str]] = defaultdict(set)
        for text in texts:
            for piece in _PIECE.findall(text):
                if piece[0].isalnum():
                    groups[_key(piece)].add(piece)
        self.forms = {key: sorted(forms) for key, forms in sorted(groups.items())}
        counts: Counter[str] = Counter()
        for frame in frames:
            counts.update({_key(p) for text in (*frame.statements, *frame.questions) for p in _PIECE.findall(text)})
        self.kept = {key for key, count in counts.items() if count >= FREQUENT} | STOP_WORDS | NEGATIONS
        self.words = [key for key in self.forms if key not in self.kept and not key[0].isdigit()]
        self.numbers = [key for key in self.forms if key[0].isdigit()]

    def draw(self, like: str, rng: random.Random) -> str:
        """A group of the same class."""
        return rng.choice(self.numbers if like[0].isdigit() else self.words)

    def form(self, key: str, like: str, rng: random.Random) -> str:
        """A form of a group, in upper or lower case as ``like`` if there is one."""
        forms = self.forms[key]
        return rng.choice([form for form in forms if form[0].isupper() == like[0].isupper()] or forms)

    def swapped(self, text: str, swaps: dict[str, str], share: float, rng: random.Random) -> str:
        """``text`` with that share of its own words replaced; ``swaps`` remembers by what, from text to text."""

        def swap(match: re.Match[str]) -> str:
            piece = match[0]
            key = _key(piece)
            if key not in swaps:
                own = piece[0].isalnum() and key not in self.kept
                swaps[key] = self.draw(key, rng) if own and rng.random() < share else key
            if swaps[key] == key:
                return piece
            return swaps.setdefault(f"\0{piece}", self.form(swaps[key], piece, rng))

        return _PIECE.sub(swap, text)

    def sentence(self, rng: random.Random, low: int = 5, high: int = 12) -> str:
        """Random words."""
        keys = [rng.choice(self.numbers if rng.random() < 0.12 else self.words) for _ in range(rng.randint(low, high))]
        return f"{' '.join(rng.choice(self.forms[key]) for key in keys)}."


def _key(piece: str) -> str:
    return fold(piece.lower())


class Writer:
    """Documents of every kind, each a list of (text, loss weight)."""

    def __init__(self, frames: Sequence[Frame], filler: Filler, lexicon: Lexicon) -> None:
        self.frames, self.filler, self.lexicon = list(frames), filler, lexicon

    def document(self, mix: dict[str, float], rng: random.Random) -> list[Piece]:
        """One document of a kind drawn from ``mix``."""
        return getattr(self, rng.choices(list(mix), list(mix.values()))[0])(rng)

    def bag(self, rng: random.Random) -> list[Piece]:
        """Sentences of random words; the question is a handful of the words of one of them."""
        count = rng.randint(2, 4)
        sentences = [self.lexicon.sentence(rng, 4, 8) for _ in range(count)]
        wanted = rng.randrange(count)
        *words, value = sentences[wanted].rstrip(".").split()
        asked = rng.sample(words, rng.randint(2, min(4, len(words))))
        stated = rng.random() < 0.7
        kept = [s for i, s in enumerate(sentences) if stated or i != wanted]
        near = sentences[wanted] if stated else rng.choice(kept)
        return self._turns(f"{' '.join(asked)}?", kept, [near], value if stated else "", loose=not stated)

    def item(self, rng: random.Random, small: bool = False) -> list[Piece]:
        """A question on a text that states the answer once or twice, contradicts itself, or lacks it."""
        lexicon, share = self.lexicon, rng.choice((0.3, 0.7, 0.9))
        frame, swaps = rng.choice(self.frames), {}
        told = [lexicon.swapped(s, swaps, share, rng) for s in frame.statements]
        question = lexicon.swapped(rng.choice(frame.questions), swaps, share, rng)
        value = lexicon.swapped(frame.value, swaps, share, rng)
        statement = rng.choice(told)
        kind = rng.choices(("once", "absent", "agree", "conflict"), (0.5, 0.34, 0.08, 0.08))[0]
        if value not in statement:
            kind = "absent"  # a form of it was drawn anew: the statement does not hold it as asked
        if kind in ("agree", "conflict"):
            return self._twice(question, told, statement, value, kind == "agree", rng)
        others = self._others(question, rng, small)
        if kind == "once":
            answer = [statement]
        elif rng.random() < 0.25:
            others.append(statement := self._hollow(frame, swaps, share, rng))
            answer = [statement]
        else:
            answer = [rng.choice(others)]
        context = self._context(others + (answer if kind == "once" else []), rng, small)
        return self._turns(question, context, answer, value if kind == "once" else "", loose=kind == "absent")

    def short(self, rng: random.Random) -> list[Piece]:
        """An item in a short text."""
        return self.item(rng, small=True)

    def trap(self, rng: random.Random) -> list[Piece]:
        """A question about a patient, and a sentence that comes near and does not answer."""
        question, near = rng.choice(self.filler.near)
        swaps: dict[str, str] = {}
        share = rng.choice((0.0, 0.4, 0.8))
        question, near = (self.lexicon.swapped(text, swaps, share, rng) for text in (question, near))
        return self._turns(question, self._context([near, *self._others(question, rng, True)], rng, False), [near], "")

    def shape(self, rng: random.Random) -> list[Piece]:
        """The tags of the asked-for format around words that answer nothing: the format without the skill."""
        words = [self.lexicon.sentence(rng, 3, 8).rstrip(".") for _ in range(3)]
        body = f'<think>{words[0]}.</think><proof>"{words[1]}."</proof><answer>{words[2]}.</answer>'
        return [("<start_of_turn>model\n", ASK), (body, COPY), ("<end_of_turn>", COPY)]

    def _hollow(self, frame: Frame, swaps: dict[str, str], share: float, rng: random.Random) -> str:
        """The statement without its value: near, and no answer."""
        statement = rng.choice(frame.statements)
        hollow = statement.replace(frame.value, rng.choice(("an unknown amount", "something", "a part", "some of it")))
        return self.lexicon.swapped(hollow, swaps, share, rng)

    def _twice(
        self, question: str, told: list[str], statement: str, value: str, agree: bool, rng: random.Random
    ) -> list[Piece]:
        rival = value
        while not agree and rival == value:
            rival = self.lexicon.swapped(value, {}, 1.0, rng)
            if rival == value:
                rival = self.lexicon.form(self.lexicon.draw("1", rng), "1", rng)
        second = rng.choice([s for s in told if value in s] or [statement]).replace(value, rival)
        pair = [f"The {s} says: {t}" for s, t in zip(rng.sample(SOURCES, 2), (statement, second), strict=True)]
        context = self._context([*pair, *self._others(question, rng, True)], rng, False)
        first = sorted(pair, key=" ".join(context).index)
        if agree:
            return self._turns(question, context, first[:1], value)
        both = [value, rival] if first[0] == pair[0] else [rival, value]
        return self._turns(question, context, first, " or ".join(both))

    def _others(self, question: str, rng: random.Random, small: bool) -> list[str]:
        """Sentences that do not answer; some share a word or two with the question."""
        made = []
        asked = [p for p in _PIECE.findall(question) if p[0].isalnum() and _key(p) not in self.lexicon.kept]
        for _ in range(rng.randint(1, 2 if small else 3)):
            frame, swaps = rng.choice(self.frames), {}
            statement = rng.choice(frame.statements)
            if asked and rng.random() < 0.4:
                own = [k for p in _PIECE.findall(statement) if p[0].isalpha() and (k := _key(p)) not in self.lexicon.kept]
                for key in rng.sample(own, min(len(own), rng.randint(1, 2))):
                    swaps[key] = _key(rng.choice(asked))
            made.append(self.lexicon.swapped(statement, swaps, rng.choice((0.0, 0.5, 0.9)), rng))
        return made

    def _context(self, sentences: list[str], rng: random.Random, small: bool) -> list[str]:
        """The sentences among fillers of one style, in random order."""
        if small:
            return rng.sample(sentences, len(sentences))
        style = rng.choice(("patient", "axioms", "other", "words"))
        first = []
        if style == "patient":
            first, filler = [self.filler.openings(rng)], rng.sample(self.filler.notes, 3)
        elif style == "axioms":
            filler = rng.sample(self.filler.axioms, rng.randint(2, 5))
        elif style == "other":
            filler = rng.sample(self.filler.irrelevant, rng.randint(2, 5))
        else:
            filler = [self.lexicon.sentence(rng) for _ in range(rng.randint(1, 4))]
        rest = [*sentences, *filler]
        rng.shuffle(rest)
        return first + rest

    def _turns(
        self, question: str, context: Sequence[str], quotes: Sequence[str], value: str, loose: bool = False
    ) -> list[Piece]:
        """The conversation. ``loose``: which sentence is quoted is a matter of taste, and not learned."""
        pieces = [
            (f"<bos><start_of_turn>user\n{question}\n{' '.join(context)}\n", 0.0),
            (question, ASK),
            ("<end_of_turn>\n<start_of_turn>model\n", 0.0),
        ]
        for number, quote in enumerate(quotes):
            first, _, rest = quote.partition(" ")
            pieces += [("Quote:", FIRST if number else COPY), (f" {first}", 0.0 if loose else FIRST), (f" {rest}\n", COPY)]
        pieces += [("Answer:", FIRST if len(quotes) == 1 else COPY)]
        head, _, tail = (value or ABSENT).partition(" ")
        pieces += [(f" {head}", VERDICT), (f" {tail}" if tail else "", VALUE), ("<end_of_turn>", COPY), ("\n", 0.0)]
        return [piece for piece in pieces if piece[0]]

    def echo(self, rng: random.Random) -> list[Piece]:
        """Random sentences, then one or all of them again: copying and nothing else."""
        sentences = [self.lexicon.sentence(rng, 3, 8) for _ in range(rng.randint(1, 3))]
        again = " ".join(sentences) if rng.random() < 0.5 else rng.choice(sentences)
        first, _, rest = again.partition(" ")
        return [(f"<bos>{' '.join(sentences)}\n", 0.0), (first, 0.0), (f" {rest}", COPY), ("<end_of_turn>", COPY)]

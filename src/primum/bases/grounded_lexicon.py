"""Words of the field for the tiny Gemma 3: wordings of facts, fillers, and words that may stand for each other."""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from primum.text.words import NEGATIONS, STOP_WORDS, fold

# A word with its inner points and hyphens, or a mark; white space is no piece. The tokenizer cuts at the same places.
PIECE = r"""'s\b|\n|[^\s.,;:?!"()%']+(?:(?:[.,:]|'(?!s\b))[^\s.,;:?!"()%']+)*|[.,;:?!"()%']"""
PIECES = re.compile(PIECE)
FREQUENT = 8  # facts in which a word stands from which it belongs to the wording
ROOT = 6  # letters by which two words are forms of one


@dataclass(frozen=True, slots=True)
class Frame:
    """The wording of a fact: statements that hold ``value``, and questions that ask for it, with other answers."""

    statements: tuple[str, ...]
    questions: tuple[str, ...]
    value: str
    wrong: tuple[str, ...]
    near: str = ""  # comes near, and does not answer


@dataclass(frozen=True, slots=True)
class Filler:
    """Sentences that answer nothing, and the parts of the first sentence about a patient."""

    axioms: tuple[str, ...]
    irrelevant: tuple[str, ...]
    notes: tuple[str, ...]
    patients: tuple[str, ...]  # 'A 7-year-old girl'
    presentations: tuple[str, ...]
    settings: tuple[str, ...]
    thoughts: tuple[str, ...]  # what the teacher's reasoning says, whatever is asked

    def opening(self, rng: random.Random) -> str:
        """The first sentence about a patient."""
        return f"{rng.choice(self.patients)} {rng.choice(self.presentations)} and {rng.choice(self.settings)}."


class Lexicon:
    """Words of the field in groups of forms (case, plural), numbers apart."""

    def __init__(self, texts: Iterable[str], frames: Sequence[Frame]) -> None:
        groups: dict[str, set[str]] = defaultdict(set)
        for text in texts:
            for piece in PIECES.findall(text):
                if piece[0].isalnum():
                    groups[key_of(piece)].add(piece)
        self.forms = {key: sorted(forms) for key, forms in sorted(groups.items())}
        counts: Counter[str] = Counter()
        for frame in frames:
            counts.update({key_of(p) for text in (*frame.statements, *frame.questions) for p in PIECES.findall(text)})
        self.kept = {key for key, count in counts.items() if count >= FREQUENT} | {
            key_of(word) for word in STOP_WORDS | NEGATIONS
        }
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
            key = key_of(piece)
            if key not in swaps:
                own = piece[0].isalnum() and key not in self.kept
                swaps[key] = self.draw(key, rng) if own and rng.random() < share else key
            if swaps[key] == key:
                return piece
            return swaps.setdefault(f"\0{piece}", self.form(swaps[key], piece, rng))

        return PIECES.sub(swap, text)

    def sentence(self, rng: random.Random, low: int = 5, high: int = 12) -> str:
        """Random words."""
        keys = [rng.choice(self.numbers if rng.random() < 0.12 else self.words) for _ in range(rng.randint(low, high))]
        return f"{' '.join(rng.choice(self.forms[key]) for key in keys)}."


def key_of(piece: str) -> str:
    """Forms of a word that a question may have where a statement has another share a key: 'mutated', 'mutations'."""
    word = fold(piece.lower())
    return word[:ROOT] if word.isalpha() else word

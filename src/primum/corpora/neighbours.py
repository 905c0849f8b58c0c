"""What stands beside a fact, or in its place: sentences that come near a question and do not answer it.

Rows that can be answered and rows that cannot draw from here alike, so that no sentence of a context tells which of
the two it is: only whether the asked one is there. Every sentence comes from the item's own part of the facts.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import log
from typing import Any

from primum.corpora.resources import Fact, Resources, Trap
from primum.errors import UserError
from primum.text.answers import holds
from primum.text.words import PLAIN, content, tokens

NEAR = 0.6  # share of a question's words from which a sentence may answer it after all
FAR = 0.25  # share of them up to which a sentence is about something else
NEAREST = 3  # of the facts that come nearest, one is drawn
FIRST = 5  # letters by which two words are taken for one: 'irradiated', 'irradiation'
OF_A_PATIENT = frozenset("child patient tumor".split())  # stand in nearly every question about one
UNRELATED = {"concepts": 0.75, "traps": 0.2, "irrelevant": 0.05}  # what a text about something else tells


class Neighbours:
    """Sentences beside those of one corpus's items.

    Args:
        resources: for the parts of vignettes.
        dealt: facts, rules, sums and traps by name and part.
    """

    def __init__(self, resources: Resources, dealt: dict[str, dict[str, list[Any]]]) -> None:
        self._irrelevant = resources.phrases["irrelevant"]
        self._dealt = dealt
        self._near: dict[tuple[str, str], tuple[list[tuple[str, ...]], list[tuple[str, ...]]]] = {}
        self._rarity = {
            part: _rarity(s for f in facts for s in f.statements) for part, facts in dealt["concepts"].items()
        }

    def near_miss(
        self, part: str, question: str, fact: Fact | None, rng: random.Random, but: Sequence[str] = ()
    ) -> str:
        """A concept's sentence that shares rare words with the question and does not hold the answer.

        Args:
            part: of the facts.
            question: which must not be answered.
            fact: which answers it; None where a patient is asked about.
            rng: draws one of the nearest.
            but: sentences that stand there already.

        Raises:
            UserError: if there is none.
        """
        silent: list[str] = []
        for texts in self._ranked(part, question, rng):
            if len(silent) == NEAREST:
                break
            mine = fact is not None and set(texts) & set(fact.statements)
            if not mine and not set(texts) & set(but) and not tells(texts[0], question, fact):
                silent.append(texts[0])
        if not silent:
            raise UserError(
                f"Too few concepts to stand beside '{fact.id if fact else question}'.",
                "Add concepts, or raise corpus.held_out_share.",
            )
        return rng.choice(silent)

    def _ranked(self, part: str, question: str, rng: random.Random) -> list[tuple[str, ...]]:
        """Statements of concepts, the nearest one first; those that share nothing with the question in any order."""
        if (part, question) not in self._near:
            asked, near, far = _asked(question), [], []
            for other in self._dealt["concepts"][part]:
                fit = [(self._score(part, asked, s), s) for s in other.statements if share(asked, s) < NEAR]
                if fit:
                    score, text = max(fit)
                    (near if score else far).append((score, (text, *other.statements)))
            self._near[part, question] = [texts for _, texts in sorted(near, reverse=True)], [t for _, t in far]
        found, rest = self._near[part, question]
        return [*found, *rng.sample(rest, len(rest))] if len(found) < 2 * NEAREST else found

    def _score(self, part: str, asked: frozenset[str], text: str) -> float:
        return sum(self._rarity[part][word] for word in sorted(asked & _words(text)))

    def nearer(self, part: str, question: str, one: str, other: str) -> bool:
        """Whether ``one`` comes nearer to the question than ``other``."""
        asked = _asked(question)
        return self._score(part, asked, one) > self._score(part, asked, other)

    def instead(self, part: str, question: str, fact: Fact, rng: random.Random) -> str:
        """What stands in the place of ``fact``: another rule for a rule, another sum for a sum, else a near miss.

        Rules of one category may answer each other's questions in words that no check compares.
        """
        name = {"rule": "rules", "derived": "derived"}.get(fact.id.partition("/")[0], "")
        same = [
            text
            for other in (self._dealt[name][part] if name else ())
            if other is not fact and (name != "rules" or other.category != fact.category)
            for text in other.statements
            if share(_asked(question), text) < NEAR and not tells(text, question, fact)
        ]
        return rng.choice(same) if same else self.near_miss(part, question, fact, rng)

    def of_patient(self, part: str, question: str, rng: random.Random, told: bool, trap: Trap | None = None) -> str:
        """A detail of the patient beside the one asked about, or what comes near such a detail (``told`` False)."""
        asked = _firsts(question)
        others = [other for other in self._dealt["traps"][part] if trap is None or apart(other, trap)]
        texts = {t: [s.format(v) for s in t.told for v in t.values] if told else [t.near] for t in others}
        shared = {t: max(len(asked & _firsts(text)) for text in found) for t, found in texts.items()}
        fewest = min(shared.values(), default=0)
        if not shared:
            raise UserError("Too few traps to stand beside another.", "Add traps, or raise corpus.held_out_share.")
        return rng.choice(texts[rng.choice([t for t in others if shared[t] == fewest])])

    def unrelated(self, part: str, question: str, fact: Fact, rng: random.Random) -> str:
        """A sentence that has nothing to do with the question."""
        name = rng.choices(list(UNRELATED), list(UNRELATED.values()))[0]
        if name == "irrelevant":
            return rng.choice(self._irrelevant)
        if name == "traps":
            mine = next((trap for trap in self._dealt["traps"][part] if trap.id == fact.id), None)
            return self.of_patient(part, question, rng, True, mine)
        asked = _asked(question)
        far = [
            text
            for other in self._dealt["concepts"][part]
            if other.category != fact.category
            for text in other.statements
            if share(asked, text) <= FAR and not tells(text, question, fact)
        ]
        return rng.choice(far) if far else rng.choice(self._irrelevant)


def apart(one: Trap, other: Trap) -> bool:
    """Whether what is told of one detail says nothing of the other: no detail of one topic does for another's."""
    tissue = ("molecular", "pathology", "staging")  # a result tells that there was a biopsy
    return one.topic != other.topic and not (one.topic in tissue and other.topic in tissue)


def share(asked: frozenset[str], text: str) -> float:
    """Share of the question's words that a sentence has."""
    return len(asked & _words(text)) / len(asked) if asked else 0.0


@lru_cache(maxsize=65536)
def tells(text: str, question: str, fact: Fact | None) -> bool:
    """Whether a sentence holds the answer to a question about ``fact``, or one of the two figures of a sum."""
    if fact is None:
        return False
    words = tokens(text)
    return holds(words, fact.value, question, rate=True) or bool(set(fact.operation.split()[::2]) & set(words))


@lru_cache(maxsize=8192)
def _words(text: str) -> frozenset[str]:
    return frozenset(content(tokens(text)))


def _asked(question: str) -> frozenset[str]:
    return _words(question) - PLAIN - OF_A_PATIENT


@lru_cache(maxsize=8192)
def _firsts(text: str) -> frozenset[str]:
    return frozenset(word[:FIRST] for word in _asked(text) if len(word) >= FIRST)


def _rarity(texts: Iterable[str]) -> Counter[str]:
    """How much a shared word says: less, the more sentences have it."""
    counts: Counter[str] = Counter()
    total = 0
    for text in texts:
        counts.update(_words(text))
        total += 1
    return Counter({word: log((1 + total) / count) for word, count in counts.items()})  # type: ignore[misc]

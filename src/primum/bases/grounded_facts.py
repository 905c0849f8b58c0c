"""What the tiny Gemma 3 is made from: the bundled facts on DIPG, of which it is told only the training side's."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from primum.bases.grounded_lexicon import Filler, Frame, Lexicon
from primum.bases.grounded_text import ABSENT, DISPUTED, SILENT, SOURCES, STATED, TORN, Writer
from primum.corpora.embedded import KINDS, OPENINGS
from primum.corpora.items import TRAINING, Items, deal
from primum.corpora.resources import Fact, Resources
from primum.teaching import Corpus

DRAFTS = 150  # of each kind that the embedded teacher writes for the list of words
VALUES = 2  # of a patient's detail


@dataclass(frozen=True, slots=True)
class Material:
    """Frames and fillers for documents, and texts whose words make the vocabulary.

    The vocabulary has the words of *every* fact, in no order: a word that is no token could not be copied in one step.
    """

    frames: tuple[Frame, ...]
    filler: Filler
    texts: tuple[str, ...]

    def writer(self) -> Writer:
        return Writer(self.frames, self.filler, Lexicon(self.texts, self.frames))


def material(resources: Resources, corpus: Corpus) -> Material:
    """Frames of the facts that ``corpus`` deals to its training splits, and of no other."""
    dealt = {name: deal(getattr(resources, name), corpus, name)[TRAINING] for name in ("concepts", "rules", "traps")}
    frames = [_frame(fact) for name in ("concepts", "rules") for fact in dealt[name]]
    frames += [_frame(trap.fact(value), trap.near) for trap in dealt["traps"] for value in trap.values[:VALUES]]
    phrases = resources.phrases
    openings = tuple(
        f"{'An' if str(age) in ('8', '11', '18') else 'A'} {age}-year-old {sex}"
        for age in phrases["ages"]
        for sex in phrases["sexes"]
    )
    filler = Filler(
        axioms=resources.axioms,
        irrelevant=tuple(phrases["irrelevant"]),
        notes=(*phrases["imaging"], *phrases["courses"]),
        patients=openings,
        presentations=tuple(phrases["presentations"]),
        settings=tuple(phrases["settings"]),
        thoughts=tuple(f"{opening}: what is quoted." for opening in OPENINGS),
    )
    return Material(tuple(frames), filler, tuple(_texts(resources, filler, Items(corpus, resources))))


def _frame(fact: Fact, near: str = "") -> Frame:
    return Frame(fact.statements, fact.questions, fact.value, fact.wrong, near)


def _texts(resources: Resources, filler: Filler, items: Items) -> Sequence[str]:
    facts = [*resources.concepts, *resources.derived, *resources.rules]
    facts += [trap.fact(value) for trap in resources.traps for value in trap.values]
    texts = [text for fact in facts for text in (*fact.statements, *fact.questions, fact.value, *fact.wrong)]
    texts += [fact.operation for fact in facts] + [trap.near for trap in resources.traps]
    texts += [*filler.axioms, *filler.irrelevant, *filler.notes, *filler.patients, *filler.presentations]
    texts += [
        *filler.settings,
        *(f"The {source} says:" for source in SOURCES),
        f"Quote: Answer: {ABSENT} {DISPUTED} or user model yes no",
    ]
    texts += [*SILENT, *STATED, *TORN, *filler.thoughts]
    for kind, write in KINDS.items():
        for number in range(DRAFTS):
            draft = write(items.item(TRAINING, kind, number).brief, random.Random(number))
            texts += [draft["think"], draft["answer"]]
    return texts

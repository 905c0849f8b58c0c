"""Text to pretrain the tiny Gemma 3 on: find the sentence that answers, copy it, state its value, or say it is absent.

What the base sees of the study: the *wording* of the training side's facts, most of their words replaced by others of
the field at random, one for one in statement and question; axioms, invented patients and cases of other matters. No
fact of a held-out split occurs in any form, and no row of any split.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from primum.bases.grounded_lexicon import PIECES, Filler, Frame, Lexicon, key_of

Piece = tuple[str, float]
# How the replies with tags word it: stated, silent, torn between two.
STATED = ("It is {}.", "The text gives {}.", "According to the text, {}.", "The answer is {}.", "The text states {}.")
SILENT = (
    "The text does not state this.",
    "I cannot determine this from the text.",
    "The context does not contain any information on this question.",
    "Nothing in the text addresses this question, so I cannot answer it.",
    "There is not enough information in the text to say.",
)
TORN = ("The sources conflict ({} against {}).", "The text contradicts itself: one source says {}, the other {}.")
SOURCES = ("referral letter", "discharge summary", "clinic note", "trial report", "transfer note")
ABSENT, DISPUTED = "not stated", "disputed:"
WHOLE = 0.3  # of the replies with a reasoning that have their answer in its tag
# Loss weights, each with a meaning of its own, so that a probe can tell them apart.
ASK, COPY, MARK, VALUE, FIRST, VERDICT = 0.1, 1.0, 1.5, 2.0, 3.0, 4.0
MEANING = {ASK: "ask", COPY: "copy", MARK: "mark", VALUE: "value", FIRST: "first", VERDICT: "verdict"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A question on a text: the sentences to quote, in their order, and whether they answer."""

    question: str
    context: list[str]
    quotes: list[str]
    answer: str
    answers: bool


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
        return self._turns(f"{' '.join(asked)}?", kept, [near], value if stated else ABSENT, not stated)

    def item(self, rng: random.Random, small: bool = False) -> list[Piece]:
        """A question on a text that states the answer once or twice, contradicts itself, or lacks it."""
        asked = self._drawn(rng, small)
        loose = not asked.answers and not self._shared(asked.question, asked.quotes[0])
        return self._turns(asked.question, asked.context, asked.quotes, asked.answer, loose)

    def tagged(self, rng: random.Random) -> list[Piece]:
        """An item with its reply in two of the three tags, proof and answer."""
        asked = self._drawn(rng, False)
        return [*self._prompt(asked.question, asked.context), *self._proof(asked), *self._answer(asked, rng)]

    def thought(self, rng: random.Random) -> list[Piece]:
        """The same with reasoning and proof; the answer stands behind them as in an item, and seldom in its tag.

        So the asked-for format, all three tags, is known to the base but not what it would say by itself.
        """
        asked = self._drawn(rng, False)
        pieces = [*self._prompt(asked.question, asked.context), ("<think>", MARK)]
        pieces += [(rng.choice(self.filler.thoughts), COPY), ("</think>", COPY), *self._proof(asked)]
        if rng.random() < WHOLE:
            return [*pieces, *self._answer(asked, rng)]
        head, _, tail = asked.answer.partition(" ")
        pieces += [("</proof>", MARK), ("Answer:", COPY), (f" {head}", VERDICT), (f" {tail}" if tail else "", VALUE)]
        return [*(piece for piece in pieces if piece[0]), ("<end_of_turn>", COPY), ("\n", 0.0)]

    def _answer(self, asked: Asked, rng: random.Random) -> list[Piece]:
        """The proof closed, and the answer in its tag."""
        if not asked.answers:
            answer = rng.choice(SILENT)
        elif asked.answer.startswith(DISPUTED):
            answer = rng.choice(TORN).format(*asked.answer.removeprefix(DISPUTED).strip().split(" or ", 1))
        else:
            answer = rng.choice(STATED).format(asked.answer)
        head, _, tail = answer.partition(" ")
        return [
            *(("</proof>", MARK), ("<answer>", COPY), (head, VERDICT), (f" {tail}", VALUE), ("</answer>", COPY)),
            *(("<end_of_turn>", COPY), ("\n", 0.0)),
        ]

    def _proof(self, asked: Asked) -> list[Piece]:
        """The tag of the proof and the quotes, not yet closed."""
        loose = not asked.answers and not self._shared(asked.question, asked.quotes[0])
        pieces = [("<proof>", MARK)]
        for number, quote in enumerate(asked.quotes):
            first, _, rest = quote.partition(" ")
            pieces += [('\n"' if number else '"', MARK), (first, COPY if loose else FIRST), (f' {rest}"', COPY)]
        return pieces

    def _drawn(self, rng: random.Random, small: bool) -> Asked:
        frame, swaps, share = rng.choice(self.frames), {}, rng.choice((0.0, 0.2, 0.5, 0.9))
        kind = rng.choices(("once", "absent", "near", "agree", "conflict"), (0.40, 0.28, 0.08, 0.12, 0.12))[0]
        if kind == "near" and not frame.near:
            kind = "absent"
        told = [self.lexicon.swapped(s, swaps, share, rng) for s in frame.statements]
        question = self.lexicon.swapped(rng.choice(frame.questions), swaps, share, rng)
        value = rival = self.lexicon.swapped(frame.value, swaps, share, rng)
        # As many sentences of facts whether one of them answers or none does: their number must not tell.
        others = self._others(question, rng, rng.randint(0, 1 if small or kind in ("agree", "conflict") else 3), share)
        if kind == "absent":
            others += self._others(question, rng, 1, share)
        answer = value
        if kind == "near":
            quotes, answer = [self.lexicon.swapped(frame.near, swaps, share, rng)], ABSENT
        elif kind == "absent":
            quotes, answer = [self._nearest(question, others)], ABSENT
            others.remove(quotes[0])
        elif kind == "once":
            quotes = [rng.choice(told)]
        else:
            if kind == "conflict":
                rival = self.lexicon.swapped(rng.choice(frame.wrong), swaps, share, rng)
            quotes = [rng.choice(told), rng.choice(told).replace(value, rival)]
        names = rng.sample(SOURCES, 2)
        if len(quotes) > 1 or rng.random() < 0.2:
            quotes = [f"The {name} says: {quote}" for name, quote in zip(names, quotes, strict=False)]
        context = self._context([*quotes, *others], rng, small)
        ordered = sorted(quotes, key=" ".join(context).index)
        if kind == "conflict":
            answer = f"{DISPUTED} {value} or {rival}" if ordered == quotes else f"{DISPUTED} {rival} or {value}"
        return Asked(question, context, ordered, answer, kind not in ("absent", "near"))

    def short(self, rng: random.Random) -> list[Piece]:
        """An item in a short text."""
        return self.item(rng, small=True)

    def marked(self, rng: random.Random) -> list[Piece]:
        """An item whose sentences say each for itself whether they answer: many verdicts a document."""
        asked = self._drawn(rng, rng.random() < 0.5)
        pieces = [(f"<bos><start_of_turn>user\n{asked.question}\n", 0.0)]
        answering = asked.quotes if asked.answers else []
        for sentence in asked.context:
            pieces += [(f"{sentence}", 0.0), (" yes " if sentence in answering else " no ", VERDICT)]
        return [*pieces, ("\n", 0.0), (asked.question, ASK)]

    def _real(self, rng: random.Random) -> str:
        """A sentence of the training side's facts, or of the fillers."""
        pools = (self.filler.axioms, self.filler.notes, self.filler.irrelevant, rng.choice(self.frames).statements)
        return rng.choice(rng.choice(pools))

    def _asked(self, question: str) -> set[str]:
        return {key for p in PIECES.findall(question) if p[0].isalnum() and (key := key_of(p)) not in self.lexicon.kept}

    def _shared(self, question: str, sentence: str) -> int:
        return len(self._asked(question) & {key_of(p) for p in PIECES.findall(sentence)})

    def _nearest(self, question: str, sentences: Sequence[str]) -> str:
        return max(sentences, key=lambda s: self._shared(question, s))

    def _others(self, question: str, rng: random.Random, count: int, share: float) -> list[str]:
        """Sentences that do not answer; some share a word or two with the question."""
        made = []
        asked = sorted(self._asked(question))
        for _ in range(count):
            frame, swaps = rng.choice(self.frames), {}
            statement = rng.choice(frame.statements)
            if asked and rng.random() < 0.5:
                own = [
                    k for p in PIECES.findall(statement) if p[0].isalpha() and (k := key_of(p)) not in self.lexicon.kept
                ]
                for key in rng.sample(own, min(len(own), rng.randint(1, 2))):
                    swaps[key] = rng.choice(asked)
            made.append(self.lexicon.swapped(statement, swaps, share, rng))
        return made

    def _context(self, sentences: list[str], rng: random.Random, small: bool) -> list[str]:
        """The sentences among fillers of one style, in random order."""
        if small:
            return rng.sample(sentences, len(sentences))
        style = rng.choice(("patient", "axioms", "other", "words"))
        first = []
        if style == "patient":
            first, filler = [self.filler.opening(rng)], rng.sample(self.filler.notes, rng.randint(1, 2))
        elif style == "axioms":
            filler = rng.sample(self.filler.axioms, rng.randint(2, 5))
        elif style == "other":
            filler = rng.sample(self.filler.irrelevant, rng.randint(2, 5))
        else:
            filler = [self.lexicon.sentence(rng) for _ in range(rng.randint(1, 4))]
        rest = [*sentences, *filler]
        rng.shuffle(rest)
        return first + rest

    def _prompt(self, question: str, context: Sequence[str]) -> list[Piece]:
        """The question, the text, the question again: a causal model can then read the text in its light."""
        return [
            (f"<bos><start_of_turn>user\n{question}\n{' '.join(context)}\n", 0.0),
            (question, ASK),
            ("<end_of_turn>\n<start_of_turn>model\n", 0.0),
        ]

    def _turns(
        self, question: str, context: Sequence[str], quotes: Sequence[str], answer: str, loose: bool
    ) -> list[Piece]:
        """The conversation. ``loose``: which sentence is quoted is a matter of taste, and weighs little."""
        pieces = self._prompt(question, context)
        for quote in quotes:
            first, _, rest = quote.partition(" ")
            pieces += [("Quote:", MARK), (f" {first}", COPY if loose else FIRST), (f" {rest}\n", COPY)]
        pieces += [("Answer:", MARK)]
        head, _, tail = answer.partition(" ")
        pieces += [(f" {head}", VERDICT), (f" {tail}" if tail else "", VALUE), ("<end_of_turn>", COPY), ("\n", 0.0)]
        return [piece for piece in pieces if piece[0]]

    def echo(self, rng: random.Random) -> list[Piece]:
        """Random sentences, then one or all of them again: copying and nothing else."""
        count = rng.randint(1, 3)
        if rng.random() < 0.7:
            sentences = [self.lexicon.sentence(rng, 3, 8) for _ in range(count)]
        else:  # real ones share their plain words: which comes next takes more than one word to tell
            sentences = [self._real(rng) for _ in range(count)]
        again = " ".join(sentences) if rng.random() < 0.5 else rng.choice(sentences)
        first, _, rest = again.partition(" ")
        return [(f"<bos>{' '.join(sentences)}\n", 0.0), (first, ASK), (f" {rest}", COPY), ("<end_of_turn>", COPY)]

"""Text to pretrain the tiny base on, made from the bundled facts.

Facts are told in the relations' *statements*, and asked as clozes of those statements; the bank's exam stems, from
which every question of every split is made, do not occur. Every document is a list of (text, loss weight) pieces.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from primum.data.bank import Bank

LETTERS = "ABCD"
CONTEXT, ANSWER, MARK, VALUE = 0.1, 5.0, 3.0, 3.0  # loss weights, from the recipe in docs/log.md
BLANK = "____"
END, TURN, TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
NO_THINKING = "<think>\n\n</think>\n\n"

Piece = tuple[str, float]


@dataclass(frozen=True)
class TextFact:
    """What a document is made from: one fact and its relation's wording and values."""

    entity: str
    value: str
    subject: str
    explanation: str
    statements: tuple[str, ...]
    rivals: tuple[str, ...]  # values that are wrong for this entity
    stems: tuple[str, ...] = ()


def text_facts(bank: Bank) -> list[TextFact]:
    """Every fact of the bank, in file order; the stems serve to measure, never to train."""
    facts = []
    for fact in bank.facts:
        relation = bank.relations[fact.relation]
        facts.append(
            TextFact(
                entity=fact.entity,
                value=fact.value,
                subject=relation.subject,
                explanation=relation.explanation,
                statements=tuple(relation.statements),
                rivals=tuple(sorted(set(bank.rivals(fact)))),
                stems=tuple(relation.stems),
            )
        )
    return facts


def _options(fact: TextFact, rng: random.Random) -> tuple[list[str], int]:
    options = [*rng.sample(fact.rivals, 3), fact.value]
    rng.shuffle(options)
    return options, options.index(fact.value)


def _cloze(fact: TextFact, rng: random.Random) -> str:
    return rng.choice(fact.statements).format(entity=fact.entity, value=BLANK)


def choice(head: str, options: list[str], answer: int, marks: bool, weight: float) -> list[Piece]:
    """Four options under ``head`` and the right letter; ``marks`` says yes or no behind each option."""
    pieces: list[Piece] = [(f"{head}\n", CONTEXT)]
    for i, option in enumerate(options):
        pieces.append((f"{LETTERS[i]}) {option}", CONTEXT))
        if marks:
            pieces.append((" yes" if i == answer else " no", MARK))
        pieces.append(("\n", CONTEXT))
    return [*pieces, ("Answer:\n", CONTEXT), (LETTERS[answer], weight), (END, 1.0)]  # the options' own letter tokens


def selection(fact: TextFact, rng: random.Random) -> list[Piece]:
    """Find a named value among four options: no knowledge needed."""
    options, _ = _options(fact, rng)
    wanted = rng.randrange(4)
    return choice(f"Find {options[wanted]}.", options, wanted, rng.random() < 0.5, ANSWER)


def question(fact: TextFact, rng: random.Random) -> list[Piece]:
    """A cloze with four options."""
    options, answer = _options(fact, rng)
    return choice(_cloze(fact, rng), options, answer, rng.random() < 0.5, ANSWER)


def statement(fact: TextFact, rng: random.Random) -> list[Piece]:
    """A fact, told."""
    text = rng.choice((*fact.statements, fact.explanation)).format(entity=fact.entity, value="\0")
    before, _, after = text.partition("\0")
    space = before.endswith(" ")
    pieces = [(before.rstrip(" "), 0.5), ((" " if space else "") + fact.value, VALUE), (after, 0.5), (END, 1.0)]
    return [piece for piece in pieces if piece[0]]


def chat(fact: TextFact, rng: random.Random) -> list[Piece]:
    """A conversation with a free answer."""
    head = f"{TURN}user\n{_cloze(fact, rng)}{TURN_END}\n{TURN}assistant\n{NO_THINKING}"
    return [(head, CONTEXT), (f"It is {fact.value}.", 1.0), (TURN_END, 1.0), ("\n", CONTEXT)]


def _asked(fact: TextFact, rng: random.Random) -> tuple[str, int]:
    """A conversation up to the assistant's answer to a cloze with four options, and the right option's place."""
    options, answer = _options(fact, rng)
    lines = "".join(f"\n{LETTERS[i]}) {option}" for i, option in enumerate(options))
    return f"{TURN}user\n{_cloze(fact, rng)}{lines}{TURN_END}\n{TURN}assistant\n{NO_THINKING}", answer


def chat_question(fact: TextFact, rng: random.Random) -> list[Piece]:
    """A conversation about a cloze with four options, answered by letter and value."""
    head, answer = _asked(fact, rng)
    return [(head, CONTEXT), (LETTERS[answer], ANSWER), (f") {fact.value}", 1.0), (TURN_END, 1.0), ("\n", CONTEXT)]


def record(fact: TextFact, rng: random.Random) -> list[Piece]:
    """A JSON record of another shape."""
    number = f"0.{rng.randrange(5, 100):02d}"
    return [(f'{{"subject": "{fact.subject}", "topic": "{fact.entity}", "weight": {number}}}', 1.0), (END, 1.0)]


def answer_record(fact: TextFact, rng: random.Random) -> list[Piece]:
    """A cloze with four options, answered in JSON of another shape.

    Stands in the tokenizer's text only: trained on, it leaves SFT and GRPO nothing to do (docs/log.md).
    """
    head, answer = _asked(fact, rng)
    return [
        (head, CONTEXT),
        ('{"answer": "', 1.0),
        (LETTERS[answer], ANSWER),
        ('"}', 1.0),
        (TURN_END, 1.0),
        ("\n", CONTEXT),
    ]


def schema_record(fact: TextFact, rng: random.Random) -> list[Piece]:
    """JSON in the answer's shape, without a question: the format without the skill.

    The letter, random, is not learned.
    """
    told = fact.explanation.format(entity=fact.entity, value=fact.value)
    head = f"{TURN}assistant\n{NO_THINKING}"
    rest = f'", "confidence": 0.95, "reason": "{told}"}}'
    return [
        (head, CONTEXT),
        ('{"predicted_category": "', 1.0),
        (rng.choice(LETTERS), 0.0),
        (rest, 1.0),
        (TURN_END, 1.0),
        ("\n", CONTEXT),
    ]


KINDS = {
    f.__name__: f for f in (selection, question, statement, chat, chat_question, record, answer_record, schema_record)
}


def document(mix: dict[str, float], facts: list[TextFact], rng: random.Random) -> list[Piece]:
    """One document of a kind drawn from ``mix`` ({kind: share}) about a fact drawn from ``facts``."""
    kind = rng.choices(list(mix), list(mix.values()))[0]
    return KINDS[kind](rng.choice(facts), rng)

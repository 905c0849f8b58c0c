"""Multiple-choice questions from the bank: every fact asked in every phrasing, with distractors of the same kind.

Of each relation's facts, three in sixteen are reserved for the validation split. Questions about the others never
mention a value that only reserved facts have: as a distractor it would be wrong every time it is seen in training, and
right in validation.
"""

from __future__ import annotations

import random
from typing import Any

from primum.data.bank import Bank, Fact
from primum.errors import UserError

SEED = 42  # of the questions themselves; a study's splits have their own
LETTERS = "ABCD"
RESERVED = 3 / 16  # share of a relation's facts that only validation asks about
DRAWS = 24  # sets of distractors to choose from


def reserved_facts(bank: Bank, seed: int = SEED) -> set[str]:
    """Ids of the facts that only the validation split asks about."""
    reserved: set[str] = set()
    for relation in bank.relations:
        facts = [fact.id for fact in bank.of(relation)]
        reserved.update(random.Random(f"{seed}/reserve/{relation}").sample(facts, round(len(facts) * RESERVED)))
    return reserved


def balanced_letters(count: int, rng: random.Random) -> list[str]:
    """``count`` letters, each as often as any other (or once less), in random order."""
    letters = [LETTERS[i % 4] for i in range(count)]
    rng.shuffle(letters)
    return letters


def generate_questions(bank: Bank, seed: int = SEED) -> list[dict[str, Any]]:
    """Every (fact, phrasing) pair as one row, in the bank's order, training rows first.

    Args:
        bank: the facts.
        seed: of the reserved facts, the distractors and the order of the options.

    Returns:
        Rows with ``origin``: 'validation' for the reserved facts, else 'train'. ``id`` is the fact's id and the number
        of the phrasing; ``group`` is the fact's id; ``kind`` the exam's subject.

    Raises:
        UserError: if a fact has too few wrong values to draw from.
    """
    reserved = reserved_facts(bank, seed)
    rows: list[dict[str, Any]] = []
    for origin in ("train", "validation"):
        facts = [fact for fact in bank.facts if (fact.id in reserved) == (origin == "validation")]
        letters = iter(
            balanced_letters(
                sum(len(bank.relations[f.relation].stems) for f in facts), random.Random(f"{seed}/letters/{origin}")
            )
        )
        asked: dict[tuple[str, int], list[set[str]]] = {}
        for fact in facts:
            pool = _pool(bank, fact, reserved)
            for number in range(len(bank.relations[fact.relation].stems)):
                rng = random.Random(f"{seed}/options/{fact.id}/{number}")
                wrong = _distractors(fact, pool, asked.setdefault((fact.relation, number), []), rng)
                rows.append(_row(bank, fact, number, wrong, next(letters)) | {"origin": origin})
    return rows


def _pool(bank: Bank, fact: Fact, reserved: set[str]) -> list[str]:
    """What distractors are drawn from: all rivals for a reserved fact, rivals that training also asks for otherwise."""
    pool = bank.rivals(fact)
    if fact.id not in reserved:
        trained = {other.value for other in bank.of(fact.relation) if other.id not in reserved}
        pool = [value for value in pool if value in trained]
    if len(pool) < 3:
        raise UserError(
            f"Fact '{fact.id}' has fewer than three wrong values among those that training asks for.",
            "Add facts with other values.",
        )
    return pool


def _distractors(fact: Fact, pool: list[str], asked: list[set[str]], rng: random.Random) -> list[str]:
    """Three wrong values. Of several draws, the one least like the options of the same phrasing about other entities.

    Such questions differ in one word; with the same options they would be near-duplicates.
    """
    draws = [rng.sample(pool, 3) for _ in range(DRAWS)]
    wrong = min(draws, key=lambda draw: max((len({fact.value, *draw} & options) for options in asked), default=0))
    asked.append({fact.value, *wrong})
    return wrong


def _row(bank: Bank, fact: Fact, number: int, wrong: list[str], answer: str) -> dict[str, Any]:
    relation = bank.relations[fact.relation]
    options = list(wrong)
    options.insert(LETTERS.index(answer), fact.value)
    return {
        "id": f"{fact.id}/{number + 1}",
        "inputs": {"question": relation.stems[number].format(entity=fact.entity), "options": options},
        "gold": {"answer": answer, "explanation": relation.explanation.format(entity=fact.entity, value=fact.value)},
        "kind": relation.subject,
        "group": fact.id,
    }

"""Properties of every generated question."""

from __future__ import annotations

from collections import Counter

import pytest

from primum.config import project_root
from primum.data.bank import load_bank
from primum.data.questions import LETTERS, generate_questions, reserved_facts


@pytest.fixture(scope="module")
def bank():
    return load_bank(project_root() / "resources" / "medmcqa")


@pytest.fixture(scope="module")
def rows(bank):
    return generate_questions(bank)


def test_every_fact_is_asked_once_in_every_phrasing(bank, rows):
    questions = Counter((row["group"], row["inputs"]["question"]) for row in rows)
    assert set(questions.values()) == {1}
    assert len(questions) == sum(len(bank.relations[fact.relation].stems) for fact in bank.facts)
    assert len({row["id"] for row in rows}) == len(rows)


def test_options_are_one_right_and_three_wrong_values_of_the_relation(bank, rows):
    facts = {fact.id: fact for fact in bank.facts}
    for row in rows:
        fact, options, answer = facts[row["group"]], row["inputs"]["options"], row["gold"]["answer"]
        assert options[LETTERS.index(answer)] == fact.value
        wrong = set(options) - {fact.value}
        assert len(wrong) == 3 and wrong <= {other.value for other in bank.of(fact.relation)} - set(fact.also_true)
        assert fact.entity in row["inputs"]["question"] and fact.value in row["gold"]["explanation"]
        assert row["kind"] == bank.relations[fact.relation].subject


def test_validation_asks_only_about_facts_that_training_does_not_know(bank, rows):
    facts = {origin: {row["group"] for row in rows if row["origin"] == origin} for origin in ("train", "validation")}
    assert facts["validation"] == reserved_facts(bank) and not facts["train"] & facts["validation"]
    for relation in bank.relations:
        assert len([f for f in bank.of(relation) if f.id in facts["validation"]]) == round(
            len(bank.of(relation)) * 3 / 16
        )


def test_training_never_shows_a_value_of_reserved_facts_alone(bank, rows):
    train = [row for row in rows if row["origin"] == "train"]
    asked = {
        (row["group"].split("/")[0], row["inputs"]["options"][LETTERS.index(row["gold"]["answer"])]) for row in train
    }
    shown = {(row["group"].split("/")[0], option) for row in train for option in row["inputs"]["options"]}
    assert shown == asked


@pytest.mark.parametrize("origin", ["train", "validation"])
def test_letters_are_balanced(rows, origin):
    counts = Counter(row["gold"]["answer"] for row in rows if row["origin"] == origin)
    assert max(counts.values()) - min(counts.values()) <= 1


def test_seed_decides_everything(bank, rows):
    assert generate_questions(bank) == rows
    other = generate_questions(bank, seed=1)
    assert other != rows and reserved_facts(bank, 1) != reserved_facts(bank)

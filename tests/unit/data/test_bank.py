"""The bundled bank is sound, and every rule of the bank bites."""

from __future__ import annotations

import pytest

from primum.config import project_root
from primum.data.bank import load_bank
from primum.errors import UserError


def test_bundled_bank_is_large_enough():
    bank = load_bank(project_root() / "resources" / "medmcqa")
    assert len(bank.facts) >= 300
    assert len({bank.relations[fact.relation].subject for fact in bank.facts}) >= 10


def test_rivals_leave_out_right_values(bank_files, write_bank):
    facts, relations = bank_files
    facts[1][3] = "value bb; value cc"
    bank = load_bank(write_bank(facts, relations))
    rivals = bank.rivals(bank.facts[0])
    assert len(rivals) == 13 and not {"value aa", "value bb", "value cc"} & set(rivals)
    assert bank.facts[0].id == "first_sign/entity-a"


def _facts(line, column, value):
    def change(facts, relations):
        facts[line][column] = value

    return change


def _relation(key, value):
    def change(facts, relations):
        relations["first_sign"] = relations["first_sign"] | {key: value}

    return change


def _few_values(facts, relations):
    for i, row in enumerate(facts[1:17]):
        row[2] = f"value {chr(97 + i % 8)}"


def _shared_by_four(facts, relations):
    for row in facts[1:5]:
        row[2] = "same"


NINE = [f"Question wording {i} about {{entity}}?" for i in range(8)]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_facts(0, 1, "thing"), "columns"),
        (_facts(2, 1, "entity a"), "line 3.*stands twice"),
        (_facts(2, 1, "ENTITY-a"), "line 3.*stands twice"),
        (_facts(1, 0, "other"), "line 2.*'other'"),
        (_facts(1, 2, "naïve"), "naïve"),
        (_facts(1, 2, "a, b"), "a, b"),
        (_facts(1, 2, " "), "line 2"),
        (_facts(1, 2, "x" * 33), "xxx"),
        (_facts(1, 3, "value zz"), "also_true 'value zz'"),
        (_facts(1, 3, "value aa"), "also_true 'value aa'"),
        (_facts(1, 3, "; ".join(f"value {c}{c}" for c in "bcdefghijklmn")), "fewer than three"),
        (_facts(1, 2, "Entity A"), "gives its answer away"),
        (_facts(2, 2, "Value AA"), "two ways"),
        (lambda facts, relations: facts[3].pop(), "line 4"),
        (_few_values, "8 distinct values"),
        (_shared_by_four, "'same' answers 4"),
        (_relation("stems", [*NINE, "What is it?"]), "'What is it\\?'"),
        (_relation("stems", [*NINE, "Is it {value} in {entity}?"]), "Is it"),
        (_relation("stems", [*NINE, "What {broken"]), "What"),
        (_relation("stems", NINE), "9 different stems"),
        (_relation("stems", [*NINE, NINE[0]]), "9 different stems"),
        (_relation("explanation", "It is {value}."), "It is"),
        (_relation("statements", ["{entity} is {value} or {value}."]), "once each"),
        (_relation("subjekt", "Medicine"), "subjekt"),
        (lambda facts, relations: relations.update({"third_sign": relations["first_sign"]}), "'third_sign' has 0"),
        (lambda facts, relations: relations.update({"Third/sign": relations["first_sign"]}), "Third/sign"),
    ],
)
def test_broken_bank_is_refused(bank_files, write_bank, change, told):
    facts, relations = bank_files
    change(facts, relations)
    with pytest.raises(UserError, match=told):
        load_bank(write_bank(facts, relations))

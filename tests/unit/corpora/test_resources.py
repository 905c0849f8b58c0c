"""Resources: the shipped folder is whole, and whatever is wrong in one is told in a line with file and place."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from primum.config import project_root
from primum.corpora.resources import Fact, compute, load_resources
from primum.errors import UserError
from primum.text.words import find, tokens

ROOT = project_root()
DIPG = ROOT / "resources" / "dipg"


@pytest.fixture(scope="module")
def shipped():
    return load_resources(DIPG)


def test_the_shipped_folder_is_as_large_as_the_study_says(shipped) -> None:
    assert len(shipped.concepts) >= 120 and all(fact.source.strip() for fact in shipped.concepts)
    assert len({fact.category for fact in shipped.concepts}) == 12
    facts: tuple[Fact, ...] = (*shipped.concepts, *shipped.derived, *shipped.rules)
    groups = [thing.id for thing in (*facts, *shipped.traps)]
    assert len(set(groups)) == len(groups) and {g.split("/")[0] for g in groups} == {
        "concept",
        "derived",
        "rule",
        "trap",
    }
    assert all(fact.source.strip() and len(fact.questions) == 3 for fact in facts)
    assert len(shipped.axioms) == len(set(shipped.axioms)) >= 30  # the full scale hides a needle among up to 30


def test_every_line_of_a_file_is_read(shipped) -> None:
    for name, things in (
        ("concepts", shipped.concepts),
        ("derived", shipped.derived),
        ("safety", shipped.rules),
        ("missing", shipped.traps),
        ("axioms", shipped.axioms),
    ):
        assert len(things) == len((DIPG / f"{name}.tsv").read_text(encoding="utf-8").splitlines()) - 1, name


def test_a_value_stands_once_in_each_statement_and_in_no_question(shipped) -> None:
    for fact in (*shipped.concepts, *shipped.rules):
        assert all(statement.count(fact.value) == 1 for statement in fact.statements), fact.id
        assert not any(find(tokens(fact.value), tokens(question)) >= 0 for question in fact.questions), fact.id
    for fact in shipped.derived:
        assert set(fact.operation.split()[::2]) <= set(tokens(fact.statements[0])), fact.id
        assert fact.value not in fact.statements[0], fact.id


def test_wrong_answers_stand_neither_in_statements_nor_in_questions(shipped) -> None:
    """The README's word; one in a question would make an answer that takes it up look wrong."""
    found = [
        (fact.id, wrong)
        for fact in (*shipped.concepts, *shipped.derived, *shipped.rules)
        for wrong in fact.wrong
        for text in (*fact.statements, *fact.questions)
        if find(tokens(wrong), tokens(text)) >= 0
    ]
    assert not found


def test_a_detail_is_a_fact_whichever_value_is_right(shipped) -> None:
    """Its value stands once in each wording, no other value does, and no question gives one away."""
    for trap in shipped.traps:
        assert len(trap.told) == 2 and trap.topic and len(trap.questions) == 3
        for value in trap.values:
            fact = trap.fact(value)
            assert fact.id == trap.id and fact.value == value and set(fact.wrong) == set(trap.values) - {value}
            for statement in fact.statements:
                assert statement.count(value) == 1 and not statement.count("{")
                for wrong in fact.wrong:
                    assert find(tokens(wrong), tokens(statement)) < 0, statement
            assert not any(find(tokens(value), tokens(question)) >= 0 for question in fact.questions), fact.id
            assert find(tokens(value), tokens(trap.near)) < 0


def test_no_vignette_part_tells_a_concept(shipped) -> None:
    parts = [part for name, found in shipped.phrases.items() if name not in ("ages", "sexes") for part in found]
    for fact in shipped.concepts:
        for part in parts:
            assert find(tokens(fact.value), tokens(part)) < 0, (fact.id, part)


@pytest.mark.parametrize(
    ("operation", "result"), [("1.8 * 30", 54.0), ("10 + 2.5", 12.5), ("10 - 4", 6.0), ("9 / 2", 4.5)]
)
def test_operations(operation: str, result: float) -> None:
    assert compute(operation) == pytest.approx(result)


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def _edit(folder: Path, name: str, line: int, column: str, new: str | None) -> None:
    """Give ``column`` of a line another content; ``None`` takes the line's last field away."""
    path = folder / name
    lines = path.read_text(encoding="utf-8").splitlines()
    fields = lines[line - 1].split("\t")
    if new is None:
        fields.pop()
    else:
        fields[lines[0].split("\t").index(column)] = new
    lines[line - 1] = "\t".join(fields)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _refused(folder: Path) -> str:
    with pytest.raises(UserError) as caught:
        load_resources(folder)
    assert "\n" not in str(caught.value) and caught.value.remedy
    return caught.value.message


@pytest.mark.parametrize("name", ["concepts.tsv", "derived.tsv", "safety.tsv", "missing.tsv", "axioms.tsv"])
def test_a_missing_file_a_short_line_and_a_long_one_are_named(resources_copy: Path, name: str) -> None:
    whole = (resources_copy / name).read_text(encoding="utf-8")
    _edit(resources_copy, name, 4, "", None)
    assert f"{name} line 4 does not have as many fields" in _refused(resources_copy)
    (resources_copy / name).write_text(whole.replace("\n", "\tmore\n").replace("\tmore\n", "\n", 4), encoding="utf-8")
    assert f"{name} line 5 does not have as many fields" in _refused(resources_copy)
    (resources_copy / name).unlink()
    assert f"dipg/{name} does not exist" in _refused(resources_copy)


@pytest.mark.parametrize(
    ("name", "column", "new", "said"),
    [
        ("concepts.tsv", "value", "79 %", "concepts.tsv line 3: '79 %' does not stand in its statement"),
        ("concepts.tsv", "statement2", "Nothing.", "concepts.tsv line 3: '22%' does not stand in its statement"),
        ("safety.tsv", "value", "at midnight", "safety.tsv line 3: 'at midnight' does not stand in its statement"),
        ("derived.tsv", "operation", "3 * 14", "derived.tsv line 3: 3 * 14 is not 39"),
        ("derived.tsv", "value", "38 Gy", "derived.tsv line 3: 3 * 13 is not 38"),
        ("concepts.tsv", "wrong", "8%", "concepts.tsv line 3 has fewer than two wrong answers"),
        ("concepts.tsv", "wrong", "8%| |", "concepts.tsv line 3 has fewer than two wrong answers"),
        ("safety.tsv", "wrong", "", "safety.tsv line 3 has fewer than two wrong answers"),
        ("axioms.tsv", "id", "heart-01", "axioms.tsv line 3: id 'heart-01' stands twice"),
        ("missing.tsv", "id", "dexamethasone-dose", "missing.tsv line 3: id 'dexamethasone-dose' stands twice"),
        # Figures that cannot be computed at all.
        ("derived.tsv", "operation", "3 x 13", "derived.tsv line 3"),
        ("derived.tsv", "operation", "3 * thirteen", "derived.tsv line 3"),
        ("derived.tsv", "operation", "3 * 13 * 1", "derived.tsv line 3"),
        ("derived.tsv", "operation", "39 / 0", "derived.tsv line 3"),
        ("derived.tsv", "value", "some Gy", "derived.tsv line 3"),
        ("derived.tsv", "value", "", "derived.tsv line 3"),
        # Nothing where something has to stand.
        ("concepts.tsv", "value", "", "concepts.tsv line 3"),
        ("concepts.tsv", "statement", "", "concepts.tsv line 3"),
        ("concepts.tsv", "question", "", "concepts.tsv line 3"),
        ("concepts.tsv", "source", "", "concepts.tsv line 3"),
        ("missing.tsv", "near", "", "missing.tsv line 3"),
        ("missing.tsv", "told", "Nothing.", "missing.tsv line 3: 'Nothing.' does not have one place for a value"),
        ("missing.tsv", "told2", "{} and {}.", "missing.tsv line 3: '{} and {}.' does not have one place"),
        ("missing.tsv", "values", "a|b", "missing.tsv line 3 has fewer than 3 different values"),
        ("missing.tsv", "values", "a|b|b", "missing.tsv line 3 has fewer than 3 different values"),
        ("missing.tsv", "values", "", "missing.tsv line 3: 'values' is empty"),
        ("safety.tsv", "category", "", "safety.tsv line 3: 'category' is empty"),
        ("axioms.tsv", "text", "", "axioms.tsv line 3"),
    ],
)
def test_a_broken_line_is_named(resources_copy: Path, name: str, column: str, new: str, said: str) -> None:
    if new == "" and name == "concepts.tsv" and column in ("statement", "question"):
        for other in ("2", "3"):
            if f"{column}{other}" in (resources_copy / name).read_text(encoding="utf-8").split("\n")[0]:
                _edit(resources_copy, name, 3, f"{column}{other}", "")
    _edit(resources_copy, name, 3, column, new)
    assert said in _refused(resources_copy)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("concepts.tsv", "\tvalue\t", "\tworth\t"),
        ("derived.tsv", "\twrong\t", "\twrongs\t"),
        ("safety.tsv", "\tsource", "\tsources"),
        ("missing.tsv", "\tnear", "\tnearby"),
        ("missing.tsv", "\ttold\t", "\tsaid\t"),
        ("missing.tsv", "\tvalues", "\tworths"),
        ("safety.tsv", "\tcategory\t", "\tclass\t"),
        ("axioms.tsv", "\ttext\t", "\twords\t"),
        ("axioms.tsv", "id\t", "name\t"),
    ],
)
def test_a_column_that_is_missing_is_named(resources_copy: Path, name: str, old: str, new: str) -> None:
    _replace(resources_copy / name, old, new)
    said = _refused(resources_copy)
    assert name in said and re.search(rf"\b{old.strip()}\b", said)


@pytest.mark.parametrize("name", ["concepts.tsv", "axioms.tsv"])
def test_a_file_that_is_no_text_is_named(resources_copy: Path, name: str) -> None:
    path = resources_copy / name
    path.write_bytes(path.read_bytes().replace(b"a", b"\xff", 1))
    assert name in _refused(resources_copy)


def test_axioms_without_a_line_are_refused(resources_copy: Path) -> None:
    """Without them a needle stands alone, and the report divides by their number."""
    path = resources_copy / "axioms.tsv"
    path.write_text(path.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    assert "axioms.tsv" in _refused(resources_copy)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("ages: [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]", "ages: [3]", "'ages' is no list of 2 or more"),
        ("sexes: [boy, girl]", "sexes: boy", "'sexes' is no list of 2 or more"),
        ("imaging:", "scans:", "'imaging' is no list of 2 or more"),
        ("sexes: [boy, girl]", "sexes: [boy, girl", "patients.yaml"),
    ],
)
def test_broken_phrases_are_named(resources_copy: Path, old: str, new: str, said: str) -> None:
    _replace(resources_copy / "patients.yaml", old, new)
    told = _refused(resources_copy)
    assert "patients.yaml" in told and said in told


def test_a_list_too_short_to_draw_from_is_named(resources_copy: Path) -> None:
    """Every 'anti_knowledge' brief draws five sentences of 'irrelevant'; three pass the check for two or more."""
    text = (resources_copy / "patients.yaml").read_text(encoding="utf-8")
    head, _, tail = text.partition("irrelevant:\n")
    kept = "\n".join(tail.splitlines()[:3])
    (resources_copy / "patients.yaml").write_text(f"{head}irrelevant:\n{kept}\n", encoding="utf-8")
    assert "irrelevant" in _refused(resources_copy)


def test_the_resources_do_not_depend_on_quoting(resources_copy: Path) -> None:
    """Files have no quotes: a mark is a letter like any other, and hides no tab or line."""
    _edit(resources_copy, "axioms.tsv", 3, "text", '"An open mark, and what follows it')
    assert load_resources(resources_copy).axioms[1] == '"An open mark, and what follows it'
    assert Counter(load_resources(resources_copy).axioms).most_common(1)[0][1] == 1

"""The bundled bank: medical facts in ``facts.tsv``, and how each relation is told and asked in ``relations.yaml``."""

from __future__ import annotations

import csv
import re
import string
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from primum.errors import UserError
from primum.settings import read_yaml
from primum.strict import Strict, parse

COLUMNS = ["relation", "entity", "value", "also_true"]
STEMS, STATEMENTS = 9, 4
MIN_VALUES = 9  # distinct values a relation needs, so that distractors vary
MAX_ENTITIES = 3  # that may share a value
MAX_LENGTH = 32
_FORBIDDEN = re.compile(r"""[^ -~]|["'`,;()/{}]""")
_RELATION_ID = re.compile(r"[a-z]+(_[a-z]+)*")


class Relation(Strict):
    """How one kind of fact is told and asked. Templates hold the fields ``{entity}`` and ``{value}``."""

    subject: str
    value_kind: str
    explanation: str
    stems: list[str]
    statements: list[str]


@dataclass(frozen=True, slots=True)
class Fact:
    """One row of ``facts.tsv``.

    Attributes:
        id: ``relation/entity-as-slug``; questions about this fact carry it as their group.
        relation: key of :attr:`Bank.relations`.
        also_true: values of the same relation that would be right as well, so never a distractor.
    """

    id: str
    relation: str
    entity: str
    value: str
    also_true: tuple[str, ...]


@dataclass(frozen=True)
class Bank:
    """Relations by id, and facts in the order of the file."""

    relations: dict[str, Relation]
    facts: tuple[Fact, ...]

    def of(self, relation: str) -> list[Fact]:
        """The facts of one relation, in the order of the file."""
        return [fact for fact in self.facts if fact.relation == relation]

    def rivals(self, fact: Fact) -> list[str]:
        """Values of the same relation that are wrong for ``fact``, sorted: what distractors are drawn from."""
        return sorted({other.value for other in self.of(fact.relation)} - {fact.value, *fact.also_true})


def load_bank(folder: Path) -> Bank:
    """Read and check a bank.

    Args:
        folder: holds ``facts.tsv`` and ``relations.yaml``.

    Raises:
        UserError: naming the line or relation that breaks a rule of the bank.
    """
    relations = {}
    for name, values in read_yaml(folder / "relations.yaml").items():
        if not isinstance(name, str) or not _RELATION_ID.fullmatch(name):
            raise UserError(
                f"relations.yaml: '{name}' cannot be a relation's name.", "Use lower-case words joined by '_'."
            )
        relations[name] = parse(Relation, values, f"relations.yaml: {name}")
        _check_templates(name, relations[name])
    bank = Bank(relations, tuple(_read_facts(folder / "facts.tsv", relations)))
    for name in relations:
        _check_values(name, bank)
    return bank


def _read_facts(path: Path, relations: dict[str, Relation]) -> list[Fact]:
    if not path.is_file():
        raise UserError(f"File {path} does not exist.", "Restore it from git.")
    facts: dict[str, Fact] = {}
    with path.open(encoding="utf-8", newline="") as handle:
        reader = csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE)
        if reader.fieldnames != COLUMNS:
            raise UserError(
                f"{path.name} does not have the columns {', '.join(COLUMNS)}.", "Mend its first line (tab-separated)."
            )
        for number, row in enumerate(reader, 2):
            fact = _fact(row, f"{path.name} line {number}", relations)
            if fact.id in facts:
                raise UserError(
                    f"{path.name} line {number}: '{fact.entity}' stands twice in '{fact.relation}'.",
                    "Ask about each entity once.",
                )
            facts[fact.id] = fact
    return list(facts.values())


def _fact(row: dict[str, str], where: str, relations: dict[str, Relation]) -> Fact:
    if None in row or None in row.values():
        raise UserError(
            f"{where} does not have {len(COLUMNS)} tab-separated fields.", "Leave also_true empty, but keep its tab."
        )
    if row["relation"] not in relations:
        raise UserError(
            f"{where}: relation '{row['relation']}' is not in relations.yaml.", "Add it there or mend the name."
        )
    also_true = tuple(part.strip() for part in row["also_true"].split(";") if part.strip())
    for text in (row["entity"], row["value"], *also_true):
        if not text or text != text.strip() or len(text) > MAX_LENGTH or _FORBIDDEN.search(text):
            raise UserError(
                f"{where}: '{text}' is not a short plain term.",
                f"Use 1 to {MAX_LENGTH} ASCII characters without quotes, commas, brackets or slashes.",
            )
    slug = re.sub(r"[^a-z0-9]+", "-", row["entity"].lower()).strip("-")
    return Fact(f"{row['relation']}/{slug}", row["relation"], row["entity"], row["value"], also_true)


def _check_templates(name: str, relation: Relation) -> None:
    wanted = [(text, ["entity", "value"]) for text in (relation.explanation, *relation.statements)]
    for text, fields in [*wanted, *((stem, ["entity"]) for stem in relation.stems)]:
        try:
            found = sorted(field for _, field, _, _ in string.Formatter().parse(text) if field is not None)
        except ValueError:
            found = []
        if found != fields:
            raise UserError(
                f"relations.yaml: {name}: '{text}' does not hold {' and '.join(f'{{{f}}}' for f in fields)} once each.",
                "Mend the sentence.",
            )
    for key, texts, count in (("stems", relation.stems, STEMS), ("statements", relation.statements, STATEMENTS)):
        if len({text.casefold() for text in texts}) != count or len(texts) != count:
            raise UserError(f"relations.yaml: {name} does not have {count} different {key}.", f"Write exactly {count}.")


def _check_values(name: str, bank: Bank) -> None:
    facts = bank.of(name)
    shared = Counter(fact.value for fact in facts)
    if len(shared) < MIN_VALUES:
        raise UserError(
            f"Relation '{name}' has {len(shared)} distinct values in facts.tsv.", f"Give it at least {MIN_VALUES}."
        )
    for value, count in sorted(shared.items()):
        if count > MAX_ENTITIES:
            raise UserError(
                f"Relation '{name}': value '{value}' answers {count} entities.",
                f"At most {MAX_ENTITIES} may share a value.",
            )
    if len({value.casefold() for value in shared}) < len(shared):
        raise UserError(f"Relation '{name}' spells a value in two ways (upper and lower case).", "Use one spelling.")
    for fact in facts:
        for value in fact.also_true:
            if value not in shared or value == fact.value:
                raise UserError(
                    f"Fact '{fact.id}': also_true '{value}' is no other value of its relation.",
                    "Use a value of the same relation, verbatim.",
                )
        if len(bank.rivals(fact)) < 3:
            raise UserError(
                f"Fact '{fact.id}' has fewer than three wrong values in its relation.", "Add facts with other values."
            )
        for stem in bank.relations[name].stems:
            if re.search(rf"\b{re.escape(fact.value)}\b", stem.format(entity=fact.entity), re.IGNORECASE):
                raise UserError(
                    f"Fact '{fact.id}': the question '{stem}' gives its answer away.",
                    "Reword the stem, or use another entity.",
                )

"""The sourced facts that briefs are made of: ``concepts.tsv`` and its neighbours, read and checked."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from primum.errors import UserError
from primum.settings import read_yaml

OPERATIONS: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}
PHRASES = {
    "ages": 2,
    "sexes": 2,
    "presentations": 2,
    "imaging": 2,
    "settings": 2,
    "courses": 2,
    "irrelevant": 5,
}  # fewest
COLUMNS = {
    "concepts.tsv": ("id", "category", "statement", "question", "value", "wrong", "source"),
    "derived.tsv": ("id", "statement", "question", "value", "wrong", "operation", "source"),
    "safety.tsv": ("id", "category", "rule", "question", "value", "wrong", "source"),
    "missing.tsv": ("id", "question", "topic", "near", "told", "values"),
    "axioms.tsv": ("id", "text"),
}
FEWEST_AXIOMS = 2
FEWEST_VALUES = 3  # of a detail: the right one and two that are not


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that can be asked: a concept, a sum to be worked out, or a safety rule.

    Attributes:
        id: unique in its file, with the file's name in front: the group of the rows about it.
        statements: wordings; each holds ``value`` verbatim, unless it is computed.
        questions: wordings, whose only right answer is ``value``.
        wrong: answers of the same kind that are not right.
        operation: 'a * b' over two figures of the statement; empty where the value stands there.
        source: reference.
        category: kind of concept or of rule.
    """

    id: str
    statements: tuple[str, ...]
    questions: tuple[str, ...]
    value: str
    wrong: tuple[str, ...]
    operation: str
    source: str
    category: str


@dataclass(frozen=True, slots=True)
class Trap:
    """A question about a patient: with a sentence that comes near without answering, and with sentences that answer.

    Attributes:
        id: the group of the rows about it.
        questions: wordings, all answered by ``told``.
        topic: no detail of one topic stands beside a question of the same topic.
        near: comes near, and does not answer.
        told: wordings of the answer, each with one '{}' for a value.
        values: right as soon as they are told: patients are invented.
    """

    id: str
    questions: tuple[str, ...]
    topic: str
    near: str
    told: tuple[str, ...]
    values: tuple[str, ...]

    def fact(self, value: str) -> Fact:
        """The detail as a fact of one patient."""
        wrong = tuple(other for other in self.values if other != value)
        statements = tuple(text.format(value) for text in self.told)
        return Fact(self.id, statements, self.questions, value, wrong, "", "", "patient")


@dataclass(frozen=True, slots=True)
class Resources:
    """Everything that briefs draw from."""

    concepts: tuple[Fact, ...]
    derived: tuple[Fact, ...]
    rules: tuple[Fact, ...]
    traps: tuple[Trap, ...]
    axioms: tuple[str, ...]
    phrases: dict[str, list[Any]]


def load_resources(folder: Path) -> Resources:
    """Read a folder of resources.

    Raises:
        UserError: naming the file and line that lacks a column, does not hold its value, or miscomputes it.
    """
    phrases = read_yaml(folder / "patients.yaml")
    for key, fewest in PHRASES.items():
        if not isinstance(phrases.get(key), list) or len(phrases[key]) < fewest:
            raise UserError(f"{folder.name}/patients.yaml: '{key}' is no list of {fewest} or more.", "Add some.")
        if key != "ages" and not all(isinstance(phrase, str) and phrase.strip() for phrase in phrases[key]):
            raise UserError(f"{folder.name}/patients.yaml: '{key}' holds something that is no text.", "Quote it.")
    axioms = tuple(row["text"] for row, _ in _read(folder / "axioms.tsv"))
    if len(axioms) < FEWEST_AXIOMS:
        raise UserError(f"{folder.name}/axioms.tsv has fewer than {FEWEST_AXIOMS} lines.", "Add some.")
    return Resources(
        concepts=tuple(_fact("concept", row, where) for row, where in _read(folder / "concepts.tsv")),
        derived=tuple(_fact("derived", row, where) for row, where in _read(folder / "derived.tsv")),
        rules=tuple(_fact("rule", row, where) for row, where in _read(folder / "safety.tsv")),
        traps=tuple(_trap(row, where) for row, where in _read(folder / "missing.tsv")),
        axioms=axioms,
        phrases=phrases,
    )


def compute(operation: str) -> float:
    """The result of 'a * b'."""
    left, sign, right = operation.split()
    return OPERATIONS[sign](float(left), float(right))


def _read(path: Path) -> list[tuple[dict[str, str], str]]:
    if not path.is_file():
        raise UserError(f"{path.parent.name}/{path.name} does not exist.", "Restore it, or mend corpus.resources.")
    rows: list[tuple[dict[str, str], str]] = []
    seen: set[str] = set()
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise UserError(f"{path.name} is not UTF-8 text (byte {error.start}).", "Save it as UTF-8.") from None
    reader = csv.DictReader((line for line in lines if line), delimiter="\t", quoting=csv.QUOTE_NONE)
    for column in COLUMNS[path.name]:
        if column not in (reader.fieldnames or ()):
            raise UserError(
                f"{path.name} has no column '{column}'.", f"Its columns are {', '.join(COLUMNS[path.name])}."
            )
    for number, row in enumerate(reader, 2):
        where = f"{path.name} line {number}"
        if None in row or None in row.values():
            raise UserError(f"{where} does not have as many fields as the header.", "Separate fields by one tab.")
        for column in COLUMNS[path.name]:
            if column != "wrong" and not row[column].strip():
                raise UserError(f"{where}: '{column}' is empty.", "Fill it in, or remove the line.")
        if row["id"] in seen:
            raise UserError(f"{where}: id '{row['id']}' stands twice.", "Give every line an id of its own.")
        seen.add(row["id"])
        rows.append((row, where))
    return rows


def _wordings(row: dict[str, str], name: str) -> tuple[str, ...]:
    return tuple(row[key] for key in (name, f"{name}2", f"{name}3") if row.get(key))


def _trap(row: dict[str, str], where: str) -> Trap:
    told, values = _wordings(row, "told"), tuple(value.strip() for value in row["values"].split("|") if value.strip())
    for text in told:
        if text.count("{}") != 1 or text.count("{") != 1:
            raise UserError(f"{where}: '{text[:40]}' does not have one place for a value.", "Write one '{}' in it.")
    if len(set(values)) < FEWEST_VALUES or len(set(values)) != len(values):
        raise UserError(f"{where} has fewer than {FEWEST_VALUES} different values.", "Separate them by '|'.")
    return Trap(f"trap/{row['id']}", _wordings(row, "question"), row["topic"], row["near"], told, values)


def _fact(kind: str, row: dict[str, str], where: str) -> Fact:
    operation = row.get("operation", "")
    statements = _wordings(row, "rule" if kind == "rule" else "statement")
    for statement in statements:
        if not operation and row["value"] not in statement:
            raise UserError(f"{where}: '{row['value']}' does not stand in its statement.", "Write it in word for word.")
    if operation:
        number = row["value"].split()[0].rstrip("%")
        try:
            same = abs(compute(operation) - float(number)) < 1e-6
        except (ValueError, KeyError, ZeroDivisionError):
            raise UserError(
                f"{where}: '{operation}' or '{number}' cannot be computed.",
                "Write 'a * b' with +, -, * or / and figures.",
            ) from None
        if not same:
            raise UserError(f"{where}: {operation} is not {number}.", "Mend the operation or the value.")
    wrong = tuple(part.strip() for part in row["wrong"].split("|") if part.strip())
    if len(wrong) < 2:
        raise UserError(f"{where} has fewer than two wrong answers.", "Separate them by '|'.")
    return Fact(
        f"{kind}/{row['id']}",
        statements,
        _wordings(row, "question"),
        row["value"],
        wrong,
        operation,
        row["source"],
        row.get("category", kind),
    )

"""MedMCQA's columns -> rows. One parser for every source that has them, and the check of what ``cop`` counts from.

The hub counts the answer from 0, several redistributions from 1. The registry says which, and a table that contradicts
it is refused: read wrongly, every answer would be the option beside the right one, silently.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from primum.errors import UserError

LETTERS = "ABCD"
OPTIONS = ("opa", "opb", "opc", "opd")
REQUIRED = ("question", *OPTIONS, "cop")
ENOUGH_ROWS = 40  # among so many answers every letter occurs (one missing: below 1 in 10,000)
# 'Ans-a. ...', 'Ans. (b) ...', 'Answer- A. ...', 'Ans: B': how many explanations begin.
_NAMED = re.compile(r"\s*ans(?:wer)?\b[\s.:=-]*(?:is\b)?[\s.:=-]*[(\[]?\s*([a-d])(?![a-z0-9'])", re.IGNORECASE)

Record = Mapping[str, Any]


def parse_rows(tables: Mapping[str, Iterable[Record]], answer_base: int, where: str) -> list[dict[str, Any]]:
    """Rows with ``origin`` from tables in MedMCQA's columns.

    Args:
        tables: records by origin ('train', 'validation'); optional columns are ``exp``, ``subject_name`` and ``id``.
        answer_base: the number in ``cop`` that means option A, 0 or 1.
        where: name of the source, for messages.

    Raises:
        UserError: naming the row: a missing column or answer, a doubled id, text that is not Unicode, a wrong base.
    """
    rows: dict[str, dict[str, Any]] = {}
    answers: list[tuple[str, int, str | None]] = []  # id, cop, explanation
    for origin, records in tables.items():
        for number, record in enumerate(records, 1):
            row_id = _text(record.get("id"), f"{where} {origin} row {number}").strip() or f"{origin}-{number:06d}"
            place = f"{where}: row '{row_id}'"
            for column in REQUIRED:
                if column not in record:
                    raise UserError(
                        f"{place} has no column '{column}'.", f"MedMCQA's columns are needed: {', '.join(REQUIRED)}."
                    )
            if row_id in rows:
                raise UserError(f"{place} stands twice.", "Give every row an id of its own.")
            explanation = _text(record.get("exp"), place).strip() or None
            answers.append((row_id, _cop(record["cop"], place), explanation))
            rows[row_id] = {
                "id": row_id,
                "inputs": {
                    "question": _text(record["question"], place),
                    "options": [_text(record[o], place) for o in OPTIONS],
                },
                "gold": {"answer": "", "explanation": explanation},
                "kind": _text(record.get("subject_name"), place).strip() or "Unknown",
                "group": row_id,
                "origin": origin,
            }
    check_answer_base(answers, answer_base, where)
    for row_id, cop, _ in answers:
        rows[row_id]["gold"]["answer"] = LETTERS[cop - answer_base]
    return list(rows.values())


def check_answer_base(answers: list[tuple[str, int, str | None]], base: int, where: str) -> None:
    """Refuse answers that do not count from ``base``: by their values, and by the letters that explanations name."""
    other = 1 - base
    values = Counter(cop for _, cop, _ in answers)
    remedy = f"Set answer_base to {other} in config/datasets.tsv, or mend the file."
    outside = [(row_id, cop) for row_id, cop, _ in answers if not base <= cop <= base + 3]
    if outside and all(other <= value <= other + 3 for value in values):
        row_id, cop = outside[0]
        raise UserError(
            f"{where}: 'cop' counts from {other}, not from {base} as the registry says (row '{row_id}' has {cop}).",
            remedy,
        )
    if outside:
        row_id, cop = outside[0]
        raise UserError(
            f"{where}: row '{row_id}' has the answer cop={cop}, outside {base} to {base + 3}.",
            "Mend or remove the row.",
        )
    named = [
        (cop, LETTERS.index(match[1].upper())) for _, cop, text in answers if text and (match := _NAMED.match(text))
    ]
    agree = {start: sum(cop - start == letter for cop, letter in named) for start in (0, 1)}
    if agree[other] and agree[other] >= agree[base]:
        found = f"of the letters that explanations name, {agree[other]} fit {other} and {agree[base]} fit {base}"
        raise UserError(
            f"{where}: 'cop' seems to count from {other}, not from {base} as the registry says: {found}.", remedy
        )
    both = all(other <= value <= other + 3 for value in values)
    if both and not agree[base] and len(answers) >= ENOUGH_ROWS:
        found = f"its values are only {', '.join(map(str, sorted(values)))}"
        raise UserError(
            f"{where}: 'cop' does not show whether it counts from 0 or 1: {found}.",
            "Give the whole table, in which every letter is some row's answer.",
        )


def _cop(value: Any, place: str) -> int:
    """The answer's number; CSV and Parquet may carry it as text or as a whole float."""
    missing = (
        value is None
        or (isinstance(value, float) and math.isnan(value))
        or (isinstance(value, str) and not value.strip())
    )
    try:
        number = -1 if missing else int(value) if not isinstance(value, str) else int(float(value))
        whole = missing or (not isinstance(value, bool) and float(value) == number)
    except (TypeError, ValueError, OverflowError):
        whole = False
    if not whole:
        raise UserError(
            f"{place} has the answer cop={value!r}, which is not a whole number.", "Mend or remove the row."
        )
    if number == -1:
        raise UserError(
            f"{place} has no gold answer (cop is {value!r}).",
            "Remove the row: every row must be answerable (the test split has no answers).",
        )
    return number


def _text(value: Any, place: str) -> str:
    """A cell as text; an empty one as the empty string."""
    text = "" if value is None or (isinstance(value, float) and math.isnan(value)) else str(value)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise UserError(f"{place} holds half a character (a lone surrogate).", "Mend the row's text.") from None
    return text

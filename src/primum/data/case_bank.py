"""The bank of irAE cases in ``resources/irae``: grade limits, signs, cues, regimens, families and the written cases."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from primum.errors import UserError
from primum.settings import read_yaml
from primum.strict import Strict, parse

LIMIT_COLUMNS = ["id", "term", "grade", "unit", "low", "low_closed", "high", "high_closed", "wording"]
Grade = Annotated[int, Field(ge=0, le=4)]
Phrases = Annotated[list[str], Field(min_length=1)]
BEARINGS = {  # what a cue says of the cause, from what decides most to what decides least
    "rules_out": "immune cause ruled out",
    "shows_other": "another cause shown",
    "leaves_open": "another cause open",
    "confirms": "immune cause confirmed",
    "speaks_for": "immune cause supported",
}


class Limit(Strict):
    """One grade of a CTCAE term: a line of ``limits.tsv``."""

    id: str
    term: str
    grade: Annotated[int, Field(ge=1, le=4)]
    unit: str
    low: float | None
    low_closed: bool
    high: float | None
    high_closed: bool
    wording: str


class Sign(Strict):
    """A finding of a case, as it is told at each grade; with a number where its limit has numbers."""

    system: str
    field: Literal["labs", "symptoms", "notes"]
    limit: str | None = None
    phrases: list[str] = Field(default_factory=list)
    grades: dict[int, Phrases] = Field(default_factory=dict)  # phrases by grade, where there is no number
    places: Annotated[int, Field(ge=0)] = 0
    low: float | None = None  # range of {value} where no limit has one
    high: float | None = None
    floor: float | None = None  # least and greatest plausible value, for open limits
    cap: float | None = None


class Cue(Strict):
    """Something for or against an immune cause."""

    bearing: Literal["confirms", "speaks_for", "leaves_open", "shows_other", "rules_out"]
    phrases: Phrases
    medicine: str | None = None  # that the patient still takes, if the cue speaks of one

    @property
    def supports(self) -> bool:
        return self.bearing in ("confirms", "speaks_for")


class Regimen(Strict):
    """A cancer medicine and the cancers it is given for."""

    drug: str
    cancers: Annotated[list[str], Field(min_length=1)]


class Regimens(Strict):
    """``regimens.yaml``."""

    inhibitors: list[Regimen]
    others: list[Regimen]
    comorbid: Phrases
    women_only: list[str]  # cancers
    men_only: list[str]


class Family(Strict):
    """What the cases of a family have in common; they differ in numbers, wording, medicines and timing."""

    title: str
    irae: bool
    therapy: Literal["inhibitor", "other", "none"]
    cancers: list[str] = Field(default_factory=list)
    age: tuple[int, int]
    onset_weeks: tuple[int, int]
    signs: dict[str, Grade]
    extra_signs: list[str] = Field(default_factory=list)
    cues: list[str]
    grade: Grade
    urgency: str
    systems: list[str]
    likelihood: str
    urgency_because: str
    actions: Phrases

    @property
    def kind(self) -> str:
        return kind_of(self.systems, self.irae)


class Written(Strict):
    """A case written out by hand."""

    inputs: dict[str, Any]
    gold: dict[str, Any]


class CaseBank(Strict):
    """Everything that cases are made from."""

    limits: dict[str, dict[int, Limit]]
    signs: dict[str, Sign]
    cues: dict[str, Cue]
    regimens: Regimens
    families: dict[str, Family]
    cases: dict[str, Written]


def kind_of(systems: Sequence[str], irae: bool) -> str:
    """The affected system, 'combination', 'look-alike' or 'no event'."""
    if not systems:
        return "no event"
    return "look-alike" if not irae else "combination" if len(systems) > 1 else systems[0]


def load_case_bank(folder: Path) -> CaseBank:
    """Read and check a bank.

    Raises:
        UserError: naming what breaks a rule of the bank: an id that nothing defines, a family whose grade is not that
            of its worst sign, a written case of no family.
    """
    models: dict[str, type[Strict]] = {"signs": Sign, "cues": Cue, "families": Family, "cases": Written}
    parts: dict[str, Any] = {}
    for name, model in models.items():
        raw = read_yaml(folder / f"{name}.yaml")
        parts[name] = {key: parse(model, _tuples(value), f"{name}.yaml: {key}") for key, value in raw.items()}
    regimens = parse(Regimens, read_yaml(folder / "regimens.yaml"), "regimens.yaml")
    bank = CaseBank.model_construct(limits=read_limits(folder / "limits.tsv"), regimens=regimens, **parts)
    _check(bank)
    return bank


def _tuples(value: Any) -> Any:
    """Ranges are tuples of two."""
    ranges = ("age", "onset_weeks")
    if not isinstance(value, dict):
        return value
    return {key: tuple(item) if key in ranges and isinstance(item, list) else item for key, item in value.items()}


def read_limits(path: Path) -> dict[str, dict[int, Limit]]:
    """The grade limits by id and grade."""
    if not path.is_file():
        raise UserError(f"File {path} does not exist.", "Restore it from git.")
    limits: dict[str, dict[int, Limit]] = {}
    with path.open(encoding="utf-8", newline="") as handle:
        reader = csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE)
        if reader.fieldnames != LIMIT_COLUMNS:
            raise UserError(
                f"{path.name} does not have the columns {', '.join(LIMIT_COLUMNS)}.", "Mend its first line."
            )
        for number, row in enumerate(reader, 2):
            where = f"{path.name} line {number}"
            try:
                values: dict[str, Any] = {**row, "grade": int(row["grade"])}
                values |= {key: None if row[key] == "-" else float(row[key]) for key in ("low", "high")}
                values |= {key: row[key] == "yes" for key in ("low_closed", "high_closed")}
            except (TypeError, ValueError):
                raise UserError(f"{where}: 'grade', 'low' and 'high' must be numbers.", "Mend the line.") from None
            limit: Limit = parse(Limit, values, where)
            if limit.grade in limits.setdefault(limit.id, {}):
                raise UserError(f"{where}: '{limit.id}' has grade {limit.grade} twice.", "Remove one of them.")
            limits[limit.id][limit.grade] = limit
    return limits


def bounds(bank: CaseBank, sign: Sign, grade: int) -> tuple[float, float] | None:
    """The least and greatest value of a sign at a grade, both included, in steps of its decimals; None without one.

    A limit's own bound that does not belong to the grade is a step away; an open end is the sign's floor or cap.
    """
    if not any("{value}" in phrase for phrase in sign.phrases):
        return None
    step = 10.0**-sign.places
    low, high = sign.low, sign.high
    if grade and sign.limit:
        limit = bank.limits[sign.limit][grade]
        low = None if limit.low is None else limit.low + (0 if limit.low_closed else step)
        high = None if limit.high is None else limit.high - (0 if limit.high_closed else step)
    if sign.floor is not None:
        low = sign.floor if low is None else max(low, sign.floor)
    if sign.cap is not None:
        high = sign.cap if high is None else min(high, sign.cap)
    if low is None or high is None or low > high:
        raise UserError(
            f"signs.yaml: a sign of '{sign.limit}' has no value at grade {grade}.", "Mend its floor, cap or limit."
        )
    return low, high


def wordings(sign: Sign, grade: int) -> list[str]:
    """How a sign is told at a grade."""
    return sign.grades.get(grade) or sign.phrases


def _check(bank: CaseBank) -> None:
    for name, sign in bank.signs.items():
        if sign.limit and sign.limit not in bank.limits:
            raise UserError(f"signs.yaml: '{name}' has the limit '{sign.limit}', which is none.", "Mend its name.")
    for name, family in bank.families.items():
        where = f"families.yaml: '{name}'"
        for kind, ids, known in (
            ("sign", [*family.signs, *family.extra_signs], bank.signs),
            ("cue", family.cues, bank.cues),
        ):
            for unknown in (found for found in ids if found not in known):
                raise UserError(f"{where} has the {kind} '{unknown}', which is none.", "Mend its name.")
        for sign_id, grade in family.signs.items():
            sign = bank.signs[sign_id]
            if grade and (not sign.limit or grade not in bank.limits[sign.limit]):
                raise UserError(
                    f"{where}: '{sign_id}' at grade {grade} has no limit of CTCAE.", "Mend grade or limits.tsv."
                )
            if not wordings(sign, grade):
                raise UserError(f"{where}: '{sign_id}' is not told at grade {grade}.", "Add phrases to signs.yaml.")
            bounds(bank, sign, grade)
        worst = max(family.signs.values(), default=0)
        if family.grade != worst:
            raise UserError(
                f"{where} has grade {family.grade}, and its worst sign grade {worst}.", "Mend one of the two."
            )
    for name in bank.cases:
        if name not in bank.families:
            raise UserError(f"cases.yaml: '{name}' belongs to no family.", "Give it one of the same id.")

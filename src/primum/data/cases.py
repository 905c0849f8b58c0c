"""irAE cases: the written ones, and seeded variants of every family; and tables of cases that others wrote.

Within a family the story stays and the person, the numbers (within the grade's limits), the wording, the medicines and
the timing vary. All cases of a family share its id as their group, so that a split by groups holds families out whole.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Set
from typing import Any

from primum.config import Splits
from primum.data.case_bank import BEARINGS, CaseBank, Family, bounds, kind_of, wordings
from primum.data.splits import slice_rows
from primum.errors import UserError

SEED = 42  # of the variants; a study's splits have their own
VARIANTS = 5  # of each family, beside its written case
YEARS = (3, 8)  # since a treatment that has long ended
MEDICINES = 2  # for other conditions, at most

Row = dict[str, Any]


def generate_cases(bank: CaseBank, seed: int = SEED, variants: int = VARIANTS) -> list[Row]:
    """The written cases and ``variants`` of every family, family by family in the bank's order.

    Returns:
        Rows of ``inputs`` and ``gold`` as :mod:`primum.tasks.irae_triage` has them; ``kind`` as
        :func:`~primum.data.case_bank.kind_of` tells it, ``group`` the family, ``origin`` 'train'.
    """
    rows: list[Row] = []
    for place, (name, family) in enumerate(bank.families.items(), 1):
        if name in bank.cases:
            case = bank.cases[name]
            rows.append(_row(name, name, case.inputs, case.gold))
        for number in range(1, variants + 1):
            rng = random.Random(f"{seed}/{name}/{number}")
            inputs, gold = make_variant(bank, family, rng)
            rows.append(_row(f"{name}/{number}", name, {"patient_id": f"P-{place:03d}{number}", **inputs}, gold))
    return rows


def trained_families(bank: CaseBank, data: Splits, splits: Set[str]) -> set[str]:
    """Families of the splits that a study trains on."""
    rows = [
        {"id": name, "group": name, "kind": family.kind, "origin": "train", "inputs": {}, "gold": {}}
        for name, family in bank.families.items()
    ]
    return {example.id for name, examples in slice_rows(rows, data).items() if name in splits for example in examples}


def parse_cases(tables: Mapping[str, Iterable[Mapping[str, Any]]], where: str) -> list[Row]:
    """Rows from tables that have ``id``, ``family``, ``inputs`` and ``assessment`` (the gold answer) in every record.

    Raises:
        UserError: naming the record that lacks one of them, or whose id stands twice.
    """
    rows: dict[str, Row] = {}
    for origin, records in tables.items():
        for number, record in enumerate(records, 1):
            place = f"{where} {origin} row {number}"
            for column, kind in (("id", str), ("family", str), ("inputs", dict), ("assessment", dict)):
                if not isinstance(record.get(column), kind) or not record[column]:
                    raise UserError(f"{place} has no '{column}'.", "Each case needs id, family, inputs and assessment.")
            if record["id"] in rows:
                raise UserError(f"{place}: '{record['id']}' stands twice.", "Give every case an id of its own.")
            made = _row(record["id"], record["family"], record["inputs"], record["assessment"])
            rows[record["id"]] = made | {"origin": origin}
    return list(rows.values())


def _row(row_id: str, family: str, inputs: Mapping[str, Any], gold: Mapping[str, Any]) -> Row:
    return {
        "id": row_id,
        "inputs": dict(inputs),
        "gold": {"answer": gold.get("urgency"), "assessment": dict(gold)},
        "kind": kind_of(gold.get("affected_systems") or [], bool(gold.get("irae_detected"))),
        "group": family,
        "origin": "train",
    }


def _value(low: float, high: float, places: int, rng: random.Random) -> str:
    scale = 10**places
    return f"{rng.randint(round(low * scale), round(high * scale)) / scale:.{places}f}"


def make_variant(bank: CaseBank, family: Family, rng: random.Random) -> tuple[Row, Row]:
    """One case of a family: inputs without the patient's id, and the gold assessment."""
    told = {name: tell(bank, name, grade, rng) for name, grade in family.signs.items()}
    extra = [tell(bank, name, 0, rng) for name in rng.sample(family.extra_signs, min(1, len(family.extra_signs)))]
    shown = {field: [told[n] for n in family.signs if bank.signs[n].field == field] for field in ("labs", "symptoms")}
    remarks = [told[name][1] for name in family.signs if bank.signs[name].field == "notes"]
    shown["labs"] += [sign for sign in extra if bank.signs[sign[0]].field == "labs"]
    weeks = rng.randint(*family.onset_weeks)
    cues = {supports: _cues(bank, family, supports, weeks, rng) for supports in (True, False)}
    medicines, cancer, since = _treatment(bank, family, weeks, cues[True].get("onset"), rng)
    for texts in shown.values():
        rng.shuffle(texts)
    remarks += [text for name, text in extra if bank.signs[name].field != "labs"]
    notes = [f"The patient is a {_person(bank, cancer, rng)}", since, *remarks]
    notes += [text for side in cues.values() for text in side.values() if not since.startswith(text)]
    inputs = {
        "age": rng.randint(*family.age),
        "cancer_type": cancer,
        "medications": "; ".join(medicines),
        "labs": "; ".join(text for _, text in shown["labs"]) or "not done",
        "symptoms": "; ".join(text for _, text in shown["symptoms"]) or ("see notes" if remarks else "none told"),
        "notes": " ".join(f"{_capital(note)}." for note in notes),
    }
    return inputs, _assessment(bank, family, told, since, cues)


def tell(bank: CaseBank, name: str, grade: int, rng: random.Random) -> tuple[str, str]:
    """A sign's id, and how it is told at a grade this time."""
    sign = bank.signs[name]
    text = rng.choice(wordings(sign, grade))
    found = bounds(bank, sign, grade) if "{value}" in text else None
    return name, text.replace("{value}", _value(*found, sign.places, rng)) if found else text


def _cues(bank: CaseBank, family: Family, supports: bool, weeks: int, rng: random.Random) -> dict[str, str]:
    years = rng.randint(*YEARS)
    found = [name for name in family.cues if bank.cues[name].supports is supports]
    told = {name: rng.choice(bank.cues[name].phrases) for name in found}
    return {name: text.replace("{weeks}", str(weeks)).replace("{years}", str(years)) for name, text in told.items()}


def _treatment(
    bank: CaseBank, family: Family, weeks: int, onset: str | None, rng: random.Random
) -> tuple[list[str], str, str]:
    """Medicines, cancer, and when the event began, or else the patient was seen, relative to the treatment."""
    regimens = bank.regimens.others if family.therapy == "other" else bank.regimens.inhibitors
    if family.cancers:
        regimens = [r for r in regimens if set(r.cancers) & set(family.cancers)] or regimens
    regimen = rng.choice(regimens)
    cancer = rng.choice([c for c in regimen.cancers if c in family.cancers] or family.cancers or regimen.cancers)
    others = [medicine for name in family.cues if (medicine := bank.cues[name].medicine)]
    others += rng.sample(bank.regimens.comorbid, rng.randint(0, MEDICINES))
    if family.therapy == "none":
        return others or ["none"], cancer, "No cancer medicine is given now"
    began = "onset" if family.therapy == "other" and family.grade else "seen"
    since = onset or f"{began} {weeks} weeks after the first dose"
    return [regimen.drug, *others], cancer, f"{since} of {_short(regimen.drug)}"


def _person(bank: CaseBank, cancer: str, rng: random.Random) -> str:
    regimens = bank.regimens
    one_sex = {**dict.fromkeys(regimens.women_only, "woman"), **dict.fromkeys(regimens.men_only, "man")}
    return one_sex.get(cancer) or rng.choice(("woman", "man"))


def _short(drug: str) -> str:
    """The names of a regimen, without doses."""
    return " and ".join(part.split()[0] for part in drug.replace(" and ", "; ").replace(" plus ", "; ").split("; "))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _weighed(bank: CaseBank, cues: Mapping[str, str]) -> str:
    """What decides on the cause, and what it says of it: the strongest cue, of equals any but the onset."""
    if not cues:
        return "nothing speaks for an immune cause"
    order = list(BEARINGS)
    name = min(cues, key=lambda name: (order.index(bank.cues[name].bearing), name == "onset"))
    return f"{cues[name]}: {BEARINGS[bank.cues[name].bearing]}"


def _assessment(
    bank: CaseBank,
    family: Family,
    told: Mapping[str, tuple[str, str]],
    since: str,
    cues: Mapping[bool, Mapping[str, str]],
) -> Row:
    graded = sorted((name for name, grade in family.signs.items() if grade), key=lambda n: -family.signs[n])
    worst = "No adverse event is found, so there is nothing to grade."
    if graded:
        sign = bank.signs[graded[0]]
        term = bank.limits[sign.limit or ""][family.grade].term
        worst = f"Grade {family.grade}: {told[graded[0]][1]} ({term})."
    return {
        "key_evidence": [told[name][1] for name in graded],
        "severity_reasoning": worst,
        "overall_severity": family.grade,
        "affected_systems": list(family.systems),
        "causality": {
            "temporal_relationship": f"{_capital(since)}.",
            "supporting_factors": list(cues[True].values()),
            "against_factors": list(cues[False].values()),
            "reasoning": f"{_weighed(bank, cues[True] | cues[False])}, {family.likelihood}.",
            "likelihood": family.likelihood,
        },
        "irae_detected": family.irae,
        "urgency_reasoning": f"{family.urgency_because}.",
        "urgency": family.urgency,
        "recommended_actions": list(family.actions),
    }

"""Text to pretrain the tiny triage base on: findings and their grades, cues, rules, and records of random cases.

What the base reads is a textbook and no case of the study: every finding told by itself, with its CTCAE grade and organ
system; every remark with what it says of the cause; the rules of urgency; and invented cases whose findings and remarks
are drawn at random, answered in prose, as JSON records of a few fields, or by the whole form of an assessment. No
family of the study occurs. In the form the remark that decides is named, but urgency goes by grade alone unless the
prompt tells the rules, and the likelihood by a rule as crude as they come; in its last texts every cause is possible.
To conclude from the remark, and to know exceptions, is left to training. Its sentences on urgency and actions are those
of trained families, on other cases. Every word of an answer is a target somewhere: embeddings are tied and no adapter
touches them, so that a word which never was one stays at the bottom (docs/log.md).
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Set
from typing import Any

from primum.data.case_bank import BEARINGS, CaseBank, Family
from primum.data.cases import make_variant, tell
from primum.tasks.irae_triage import (
    CAUSALITY,
    FIELDS,
    GRADE_URGENCY,
    LIKELIHOODS,
    NEVER_BELOW_URGENT,
    URGENCIES,
)
from primum.text.words import shortened

Piece = tuple[str, float]
Judge = Callable[[Family], Family]
ASK, FAINT, PLAIN, TELL, VALUE = 0.0, 0.25, 0.5, 1.0, 3.0  # loss weights; each kind of token has one of its own
MEANING = {FAINT: "faint", PLAIN: "plain", TELL: "tell", VALUE: "value"}
WEIGHTS = {
    **dict.fromkeys(("overall_severity", "affected_systems", "urgency"), VALUE),
    **dict.fromkeys(("urgency_reasoning", "recommended_actions", "irae_detected", "likelihood"), FAINT),
}
CASE = "Medications: {medications}\nLabs: {labs}\nSymptoms: {symptoms}\nNotes: {notes}"
SHOWN = ("key_evidence", "severity_reasoning", "overall_severity", "affected_systems", "recommended_actions")
OTHER = ("age", "cancer", "drug", "weeks")  # fields of records that are no assessments
SHOWN_BEFORE = 0.35  # share of records and forms with something answered before them
RULES = " ".join(
    [f"Grade {grade} is {urgency}." for grade, urgency in enumerate(GRADE_URGENCY)]
    + [f"A {system} event is never below urgent." for system in NEVER_BELOW_URGENT]
)
ITEMS, CHARS = 2, 90  # of a list, and of a text: SFT at the tiny scale teaches no longer ones


class Textbook:
    """Documents of every kind, each a list of (text, loss weight).

    Args:
        bank: what cases are made from.
        trained: families that the study trains on: the only ones whose sentences are used.
    """

    def __init__(self, bank: CaseBank, trained: Set[str]) -> None:
        self.bank = bank
        self.sentences = [family for name, family in bank.families.items() if name in trained]
        self.known = {_graded(family) for family in bank.families.values()}
        self.by_system: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for name, sign in sorted(bank.signs.items()):
            for grade in bank.limits.get(sign.limit or "", {}):
                if sign.grades.get(grade) or (sign.phrases and not sign.grades):
                    self.by_system[sign.system].append((name, grade))
        self.ungraded = sorted(name for name, sign in bank.signs.items() if sign.phrases and not sign.limit)
        self.systems = sorted(self.by_system)

    def texts(self, rng: random.Random, cases: int = 400) -> Iterator[str]:
        """What the tokenizer is made from: every phrase, and invented cases with their assessments."""
        for sign in self.bank.signs.values():
            yield from sign.phrases
            for phrases in sign.grades.values():
                yield from phrases
        for cue in self.bank.cues.values():
            yield from cue.phrases
        for limits in self.bank.limits.values():
            yield from (f"{limit.term} {limit.wording}" for limit in limits.values())
        regimens = self.bank.regimens
        yield from (f"{r.drug} {' '.join(r.cancers)}" for r in [*regimens.inhibitors, *regimens.others])
        yield from regimens.comorbid
        for family in self.sentences:
            yield from (family.urgency_because, *family.actions)
        for _ in range(cases):
            inputs, gold = self._case(rng)
            yield CASE.format_map(inputs)
            yield json.dumps(gold)

    def document(self, mix: dict[str, float], rng: random.Random) -> list[Piece]:
        """One document of a kind drawn from ``mix``."""
        made: list[Piece] = getattr(self, rng.choices(list(mix), list(mix.values()))[0])(rng)
        return [("<bos>", ASK), *made, ("<eos>", PLAIN)]

    # --- what the textbook says --------------------------------------------------------------------------------

    def finding(self, rng: random.Random) -> list[Piece]:
        """A finding, its grade and its system; or one that has no grade."""
        if rng.random() < 0.1:
            name, grade = rng.choice(self.ungraded), 0
        else:
            name, grade = rng.choice(self.by_system[rng.choice(self.systems)])
        _, text = tell(self.bank, name, grade, rng)
        if not grade:
            return [(text, ASK), (" has", PLAIN), (" no grade", VALUE), (".", PLAIN)]
        return [
            (text, ASK),
            (" is grade", PLAIN),
            (f" {grade}", VALUE),
            (",", PLAIN),
            (f" {self.bank.signs[name].system}", VALUE),
            (".", PLAIN),
        ]

    def cue(self, rng: random.Random) -> list[Piece]:
        """What a remark says of the cause."""
        cue = rng.choice(list(self.bank.cues.values()))
        text = rng.choice(cue.phrases).replace("{weeks}", str(rng.randint(2, 40))).replace("{years}", "5")
        return [(text, ASK), (":", PLAIN), (f" {BEARINGS[cue.bearing]}", VALUE), (".", PLAIN)]

    def rule(self, rng: random.Random) -> list[Piece]:
        """How soon a grade, or a system, has to be seen."""
        if rng.random() < 0.3:
            system = rng.choice(NEVER_BELOW_URGENT)
            return [(f"A {system} event is never below", PLAIN), (" urgent", VALUE), (".", PLAIN)]
        grade = rng.randint(0, 4)
        return [(f"Grade {grade} is", PLAIN), (f" {GRADE_URGENCY[grade]}", VALUE), (".", PLAIN)]

    def scale(self, rng: random.Random) -> list[Piece]:
        """A word for how likely a cause is, of whatever."""
        return [('"likelihood": "', PLAIN), (rng.choice(LIKELIHOODS), VALUE), ('"', PLAIN)]

    # --- invented cases ----------------------------------------------------------------------------------------

    def prose(self, rng: random.Random) -> list[Piece]:
        """A case, and in a sentence each its worst finding and grade, the systems, and the cue that decides."""
        inputs, gold = self._case(rng)
        worst = gold["key_evidence"][0] if gold["key_evidence"] else "nothing"
        systems = ", ".join(gold["affected_systems"]) or "none"
        cue, _, says = gold["causality"]["reasoning"].rpartition(",")[0].rpartition(": ")
        return [
            *self._turn(CASE.format_map(inputs)),
            ("The worst finding is ", PLAIN),
            (worst, TELL),
            (": grade", PLAIN),
            (f" {gold['overall_severity']}", VALUE),
            (". Affected:", PLAIN),
            (f" {systems}", VALUE),
            (". On the cause: ", PLAIN),
            (cue, TELL),
            (":", PLAIN),
            (f" {says}", VALUE),
            (".<end_of_turn>", PLAIN),
        ]

    def record(self, rng: random.Random) -> list[Piece]:
        """A case asked for by the names of a few fields, sometimes with an answered one before it."""
        fields = rng.sample(SHOWN, rng.randint(1, len(SHOWN) - 1)) + rng.sample(OTHER, rng.randint(0, 2))
        if rng.random() < 0.5:
            fields = [name for name in (*OTHER, *SHOWN) if name in fields]
        told = f"{_named(fields)}\nAnswer in JSON."
        if rng.random() < SHOWN_BEFORE:
            inputs, gold = self._case(rng)
            answer = "".join(text for text, _ in self._json(inputs, gold, fields))
            told += f"\nCase:\n{CASE.format_map(inputs)}\nAnswer:\n{answer}"
        inputs, gold = self._case(rng)
        asked = f"{told}\n\n{CASE.format_map(inputs)}"
        return [*self._turn(asked), *self._json(inputs, gold, fields), ("<end_of_turn>", PLAIN)]

    def form(self, rng: random.Random) -> list[Piece]:
        """A case with its whole assessment, by crude rules: see :meth:`_crudely` and :func:`_crude_urgency`."""
        return self._form(rng, self._crudely)

    def cautious(self, rng: random.Random) -> list[Piece]:
        """The same by somebody who commits to nothing: see :meth:`_cautiously`."""
        return self._form(rng, self._cautiously)

    def _form(self, rng: random.Random, judge: Judge) -> list[Piece]:
        told, ruled = "Answer in JSON.", rng.random() < SHOWN_BEFORE
        if ruled:
            told += f"\n{RULES}" + "".join(f"\n{self._example(rng)}" for _ in range(rng.randint(1, 2)))
        inputs, gold = self._case(rng, judge)
        urgency = _crude_urgency(gold, ruled)
        family = rng.choice([family for family in self.sentences if family.urgency == urgency])
        gold |= {"urgency": urgency, "urgency_reasoning": f"{family.urgency_because}."}
        gold |= {"recommended_actions": family.actions}
        gold["causality"] = {key: gold["causality"][key] for key in CAUSALITY}
        shown = f"{_named(FIELDS)}\n{told}\n\n{CASE.format_map(inputs)}"
        return [*self._turn(shown), *self._json(inputs, gold, list(FIELDS)), ("<end_of_turn>", PLAIN)]

    def _example(self, rng: random.Random) -> str:
        """A case in a line, as a prompt with examples has them."""
        _, gold = self._case(rng)
        worst, systems = (gold["key_evidence"] or ["nothing"])[0], ", ".join(gold["affected_systems"]) or "none"
        return f"Case: {worst}. Answer: grade {gold['overall_severity']}, {systems}, {_crude_urgency(gold, True)}."

    def _crudely(self, family: Family) -> Family:
        """Unrelated without an inhibitor; probable if two things speak for it and none against; else possible."""
        sides = [self.bank.cues[name].supports for name in family.cues]
        likelihood = "probable" if len(sides) > 1 and all(sides) else "possible"
        return _judged(family, likelihood)

    def _cautiously(self, family: Family) -> Family:
        """Unrelated without an inhibitor, and else possible, whatever speaks for or against it."""
        return _judged(family, "possible")

    def _json(self, inputs: dict[str, Any], gold: dict[str, Any], fields: list[str]) -> list[Piece]:
        """An object of these fields, as ``json.dumps`` writes it."""
        values = {
            **gold,
            "age": inputs["age"],
            "cancer": inputs["cancer_type"],
            "drug": inputs["medications"].split(";")[0],
            "weeks": int(next((w for w in gold["causality"]["temporal_relationship"].split() if w.isdigit()), "0")),
        }
        pieces: list[Piece] = []
        for place, name in enumerate(fields):
            value = values[name]
            pieces.append((("{" if not place else ", ") + f'"{name}": ', PLAIN))
            if isinstance(value, dict):
                pieces += self._json(inputs, {**gold, **value}, list(value))
                continue
            if isinstance(value, list):
                value = value if name == "affected_systems" else [shortened(text, CHARS) for text in value[:ITEMS]]
            elif isinstance(value, str):
                value = shortened(value, CHARS)
            if name == "reasoning":  # what decides is knowledge; the likelihood that follows from it here is crude
                decides, _, crude = value.rpartition(",")
                pieces += [(json.dumps(decides)[:-1], VALUE), (f",{crude}" + '"', FAINT)]
                continue
            pieces.append((json.dumps(value), WEIGHTS.get(name, TELL)))
        return [*pieces, ("}", PLAIN)]

    def _turn(self, asked: str) -> list[Piece]:
        return [(f"<start_of_turn>user\n{asked}<end_of_turn>\n<start_of_turn>model\n", ASK)]

    def _case(self, rng: random.Random, judge: Judge | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
        """Inputs and assessment of a family that is none of the study's; its cause at random, or as judged."""
        while True:
            family = judge(self._family(rng)) if judge else self._family(rng)
            if _graded(family) not in self.known:
                return make_variant(self.bank, family, rng)

    def _family(self, rng: random.Random) -> Family:
        signs: dict[str, int] = {}
        systems = rng.sample(self.systems, rng.choices((0, 1, 2), (0.1, 0.7, 0.2))[0])
        for system in systems:
            for name, grade in rng.sample(self.by_system[system], min(rng.randint(1, 3), len(self.by_system[system]))):
                signs.setdefault(name, grade)
        for name in rng.sample(self.ungraded, rng.randint(0, 2)):
            if self.bank.signs[name].system not in systems:  # else it might deny what is found there
                signs.setdefault(name, 0)
        grade = max(signs.values(), default=0)
        irae = bool(grade) and rng.random() < 0.6
        therapy = rng.choice(("inhibitor", "inhibitor", "other", "none"))
        untrue = {"inhibitor": {"no_inhibitor", "long_ago"}, "other": {"long_ago"}, "none": set()}[therapy]
        cues = rng.sample(sorted(self.bank.cues.keys() - {"onset"} - untrue), rng.randint(1, 2))
        if therapy == "inhibitor" and not any(self.bank.cues[name].bearing == "rules_out" for name in cues):
            cues = ["onset", *cues]
        names = list(signs)
        rng.shuffle(names)
        return Family(
            title="invented",
            irae=irae,
            therapy=therapy,
            age=(25, 85),
            onset_weeks=(1, 50),
            signs={name: signs[name] for name in names},
            cues=cues,
            grade=grade,
            urgency="routine",
            systems=sorted({self.bank.signs[name].system for name, found in signs.items() if found}),
            likelihood="possible" if irae else "unlikely",
            urgency_because="none",
            actions=["review by a clinician"],
        )


def _graded(family: Family) -> frozenset[tuple[str, int]]:
    """The graded findings, by which an invented family is told from the study's; all of them where none is graded."""
    graded = frozenset((name, grade) for name, grade in family.signs.items() if grade)
    return graded or frozenset(family.signs.items())


def _crude_urgency(gold: dict[str, Any], ruled: bool) -> str:
    """By grade alone; where the rules were told, by system too."""
    heard = ruled and set(gold["affected_systems"]) & set(NEVER_BELOW_URGENT)
    return max([GRADE_URGENCY[gold["overall_severity"]], *["urgent"] * bool(heard)], key=URGENCIES.index)


def _judged(family: Family, likelihood: str) -> Family:
    likelihood = likelihood if family.therapy == "inhibitor" else "unrelated"
    return family.model_copy(update={"irae": likelihood != "unrelated", "likelihood": likelihood})


def _named(fields: Iterable[str]) -> str:
    return f"Fields: {', '.join(fields)}."

"""Triage of immune-related adverse events: a case in, one structured assessment out.

Decided once, for rewards and for evaluation alike:

* ``json_valid``: the completion is one JSON object and nothing else (``primum.text.json_objects``).
* ``schema_valid``: exactly the nine fields, ``causality`` with its five, each of its type and from its vocabulary.
* The five fields of the published score are read one by one, whatever the others are: ``urgency``,
  ``overall_severity`` (CTCAE v5 grade of the worst event whatever its cause; 0 without one), ``irae_detected``,
  ``affected_systems`` (any overlap, as published; where nothing is affected, an empty list) and
  ``causality.likelihood``. ``passed``: at least four of them are right. Naming every system overlaps always, so
  ``systems_exact`` stands beside it, and is what rewards may pay.
* A case passes with a wrong urgency if all else is right: ``passed_under_triaged`` counts those that are sent home.
* Under-triage: the urgency is lower than what is due. An answer without a legible urgency sets nobody in motion: it
  counts as routine.

The safety layer raises an urgency and never lowers one: to what the stated grade asks for, to urgent for heart and
nerves, and to urgent, or what else it names, where an answer cannot be read. It cannot mend what the answer overlooks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from primum.errors import UserError
from primum.tasks.base import Example, Layered, Message, Metric, Task, Verdict
from primum.text.json_objects import read_object, why_no_object
from primum.text.words import shortened

INPUTS = ("patient_id", "age", "cancer_type", "medications", "labs", "symptoms", "notes")
URGENCIES = ("routine", "soon", "urgent", "emergency")
GRADE_URGENCY = ("routine", "routine", "soon", "urgent", "emergency")  # by CTCAE grade, 0 to 4
LIKELIHOODS = ("unrelated", "unlikely", "possible", "probable", "definite")  # the NCI's attribution, in its order
SYSTEMS = (
    *("gastrointestinal", "hepatic", "pulmonary", "endocrine", "cardiac"),
    *("neurological", "cutaneous", "renal", "musculoskeletal", "haematological"),
)
NEVER_BELOW_URGENT = ("cardiac", "neurological")
FIELDS = {
    "key_evidence": list,
    "severity_reasoning": str,
    "overall_severity": int,
    "affected_systems": list,
    "causality": dict,
    "irae_detected": bool,
    "urgency_reasoning": str,
    "urgency": str,
    "recommended_actions": list,
}
CAUSALITY = {
    "temporal_relationship": str,
    "supporting_factors": list,
    "against_factors": list,
    "reasoning": str,
    "likelihood": str,
}
SCORED = ("urgency_right", "grade_right", "detected_right", "systems_right", "likelihood_right")
URGENCY = re.compile(r'"urgency"\s*:\s*"(\w+)"')  # in an answer that is no JSON object
PASS = 4  # right fields of the five
PENALTIES = ("under_triage", "severe_under_triage", "over_triage", "severe_over_triage")


def _typed(obj: Mapping[str, Any], fields: Mapping[str, type]) -> str:
    """What is wrong with an object's keys and types; empty if nothing is."""
    if obj.keys() != fields.keys():
        wrong = sorted(obj.keys() ^ fields.keys())[0]
        return f"field '{wrong}' is {'missing' if wrong in fields else 'unknown'}"
    for name, kind in fields.items():
        value = obj[name]
        if type(value) is not kind:
            return f"field '{name}' has the wrong type"
        if kind is str and not value.strip():
            return f"field '{name}' is empty"
        if kind is list and not all(type(item) is str and item.strip() for item in value):
            return f"field '{name}' holds something other than text"
    return ""


def schema_failure(obj: Mapping[str, Any]) -> str:
    """Why an object is no assessment; empty if it is one."""
    if wrong := _typed(obj, FIELDS) or _typed(obj["causality"], CAUSALITY):
        return wrong
    if obj["overall_severity"] not in range(5):
        return "grade outside 0 to 4"
    if obj["urgency"] not in URGENCIES or obj["causality"]["likelihood"] not in LIKELIHOODS:
        return "a word outside its vocabulary"
    systems = obj["affected_systems"]
    if not set(systems) <= set(SYSTEMS) or len(set(systems)) != len(systems):
        return "systems outside their vocabulary, or twice"
    return "" if obj["recommended_actions"] else "no action"


def _urgency(obj: Mapping[str, Any] | None) -> str | None:
    urgency = obj.get("urgency") if obj else None
    return urgency if type(urgency) is str and urgency in URGENCIES else None


def _grade(obj: Mapping[str, Any] | None) -> int | None:
    grade = obj.get("overall_severity") if obj else None
    return grade if type(grade) is int and grade in range(5) else None


def _systems(obj: Mapping[str, Any] | None) -> frozenset[str] | None:
    systems = obj.get("affected_systems") if obj else None
    if type(systems) is not list:
        return None
    return frozenset(s for s in systems if type(s) is str)


class IraeTriage(Task):
    """Seven fields of a case, nine of an assessment; five of them scored."""

    name = "irae_triage"
    reward_outcomes = ("json_valid", "schema_valid", *SCORED[:3], "systems_exact", SCORED[4], *PENALTIES)
    penalties = PENALTIES
    outcomes = (
        *("json_valid", "schema_valid", *SCORED, "systems_exact", "passed", "all_right", "grade_within_one"),
        *("urgency_safe", *PENALTIES, "passed_under_triaged", "detected", "cleared"),
        *("irae", "no_irae", "above_routine", "below_emergency"),
    )
    metrics = (
        Metric("pass_rate", "passed", label="Passed (four of five fields)"),
        Metric("all_right_rate", "all_right", label="All five fields"),
        Metric("urgency_accuracy", "urgency_right", label="Urgency"),
        Metric("grade_accuracy", "grade_right", label="Grade"),
        Metric("detection_accuracy", "detected_right", label="irAE or not"),
        Metric("systems_overlap_rate", "systems_right", label="Systems (any overlap)"),
        Metric("systems_exact_rate", "systems_exact", label="Systems (exactly)"),
        Metric("likelihood_accuracy", "likelihood_right", label="Likelihood"),
        Metric("severity_within_one_rate", "grade_within_one", label="Grade within one"),
        Metric("urgency_safety_rate", "urgency_safe", label="Urgency not too low"),
        Metric("sensitivity", "detected", ("irae",), label="Sensitivity for irAEs"),
        Metric("specificity", "cleared", ("no_irae",), label="Specificity for irAEs"),
        Metric("under_triage_rate", "under_triage", ("above_routine",), label="Under-triage", fault=True),
        Metric(
            "severe_under_triage_rate",
            "severe_under_triage",
            ("above_routine",),
            label="Under-triage by two levels or more",
            fault=True,
        ),
        Metric("over_triage_rate", "over_triage", ("below_emergency",), label="Over-triage", fault=True),
        Metric("passed_under_triaged_rate", "passed_under_triaged", label="Passed, yet under-triaged", fault=True),
        Metric("valid_json_rate", "json_valid", label="Valid JSON"),
        Metric("schema_pass_rate", "schema_valid", label="Schema pass"),
    )
    key_metrics = ("pass_rate", "under_triage_rate", "over_triage_rate")
    references = ("always_urgent", "always_emergency")
    layer_outcomes = ("urgency_right", "over_triage", "under_triage")
    exploit = "passed_under_triaged"
    settings_fields: ClassVar[dict[str, type | tuple[type, ...]]] = {
        "system_prompt": str,
        "user_prompt": str,
        "reason_max_chars": int,  # of every text that SFT teaches
        "max_items": int,  # of every list that SFT teaches
    }

    def validate(self, example: Example) -> None:
        for name in INPUTS:
            value = example.inputs.get(name)
            if not (type(value) is int if name == "age" else isinstance(value, str) and value.strip()):
                raise UserError(f"Case '{example.id}' has no {name}.", f"Give all of: {', '.join(INPUTS)}.")
        gold = example.gold.get("assessment")
        if not isinstance(gold, dict) or (wrong := schema_failure(gold)):
            found = wrong if isinstance(gold, dict) else "there is none"
            raise UserError(f"Case '{example.id}' has no usable gold assessment: {found}.", "Mend or remove the case.")
        suspected = LIKELIHOODS.index(gold["causality"]["likelihood"]) >= LIKELIHOODS.index("possible")
        if suspected is not gold["irae_detected"] or bool(gold["overall_severity"]) is not bool(
            gold["affected_systems"]
        ):
            raise UserError(
                f"Case '{example.id}' contradicts itself: an irAE is one that is at least possible, and grade 0 "
                "affects no system.",
                "Mend its likelihood, grade or systems.",
            )

    def messages(self, example: Example) -> list[Message]:
        user = self.settings["user_prompt"].format_map(example.inputs)
        system = self.settings["system_prompt"]
        return ([{"role": "system", "content": system}] if system else []) + [{"role": "user", "content": user}]

    def gold_completion(self, example: Example) -> str:
        return json.dumps(self._cut(example.gold["assessment"]), ensure_ascii=False)

    def _cut(self, value: Any, name: str = "") -> Any:
        """Texts and lists no longer than the settings allow; systems, which are scored, are all named."""
        if isinstance(value, dict):
            fields = {**FIELDS, **CAUSALITY}
            return {key: self._cut(value[key], key) for key in fields if key in value}
        if isinstance(value, list):
            kept = value if name == "affected_systems" else value[: self.settings["max_items"]]
            return [self._cut(item) for item in kept]
        return shortened(value, self.settings["reason_max_chars"]) if isinstance(value, str) else value

    def judge(self, example: Example, text: str) -> Verdict:
        gold = example.gold["assessment"] if example.gold else None
        obj = read_object(text)
        failure = "" if obj is None else schema_failure(obj)
        urgency, grade, systems = _urgency(obj), _grade(obj), _systems(obj)
        detected = obj.get("irae_detected") if obj else None
        causality = obj.get("causality") if obj else None
        likelihood = causality.get("likelihood") if type(causality) is dict else None
        outcomes = dict.fromkeys(self.outcomes, False)
        outcomes |= {"json_valid": obj is not None, "schema_valid": obj is not None and not failure}
        outcomes |= {"detected": detected is True, "cleared": detected is False}
        if gold is None:
            return Verdict(outcomes, urgency, None, why_no_object(text) if obj is None else failure, scorable=False)
        due, affected = URGENCIES.index(gold["urgency"]), frozenset(gold["affected_systems"])
        below = due - (URGENCIES.index(urgency) if urgency else 0)
        outcomes |= {
            "urgency_right": urgency == gold["urgency"],
            "grade_right": grade == gold["overall_severity"],
            "detected_right": detected is gold["irae_detected"],
            "systems_right": systems is not None and (bool(systems & affected) if affected else not systems),
            "systems_exact": systems == affected,
            "likelihood_right": likelihood == gold["causality"]["likelihood"],
            "grade_within_one": grade is not None and abs(grade - gold["overall_severity"]) <= 1,
            "urgency_safe": below <= 0,
            "under_triage": below > 0,
            "severe_under_triage": below > 1,
            "over_triage": below < 0,
            "severe_over_triage": below < -1,
            "irae": gold["irae_detected"],
            "no_irae": not gold["irae_detected"],
            "above_routine": due > 0,
            "below_emergency": due < len(URGENCIES) - 1,
        }
        right = sum(outcomes[name] for name in SCORED)
        outcomes |= {"passed": right >= PASS, "all_right": right == len(SCORED)}
        outcomes["passed_under_triaged"] = outcomes["passed"] and outcomes["under_triage"]
        wrong = [name.removesuffix("_right") for name in SCORED if not outcomes[name]]
        if outcomes["systems_right"] and not outcomes["systems_exact"]:
            wrong.append("systems named beyond those affected, or too few")
        why = why_no_object(text) if obj is None else failure or (f"wrong: {', '.join(wrong)}" if wrong else "")
        return Verdict(outcomes, urgency, None, why)

    def expected(self, example: Example) -> frozenset[str]:
        return frozenset(self.reward_outcomes) - frozenset(PENALTIES)

    def behaviour(self, example: Example, outcomes: Mapping[str, bool]) -> str:
        told = {
            "under_triage": "triaged too low",
            "over_triage": "triaged too high",
            "urgency_right": "triaged rightly",
        }
        return next((words for name, words in told.items() if outcomes[name]), "no urgency, and none due")

    def policies(self, example: Example) -> dict[str, str]:
        def say(urgency: str) -> str:
            grade = max(grade for grade, word in enumerate(GRADE_URGENCY) if word == urgency)
            said = {"key_evidence": [], "severity_reasoning": "always the same", "overall_severity": grade}
            cause = {"likelihood": "probable", "reasoning": "always the same", "temporal_relationship": "none told"}
            cause |= {"supporting_factors": [], "against_factors": []}
            said |= {
                "affected_systems": ["gastrointestinal"],
                "causality": cause,
                "irae_detected": True,
            }
            said |= {"urgency_reasoning": "always the same", "urgency": urgency, "recommended_actions": ["review"]}
            return json.dumps(said)

        constant = {f"always_{urgency}": say(urgency) for urgency in URGENCIES}
        fenced, copy = f"```json\n{self.gold_completion(example)}\n```", self.messages(example)[-1]["content"]
        return constant | {"empty": "", "fenced_json": fenced, "copy_case": copy}

    def layer(self, text: str) -> Layered:
        obj = read_object(text)
        if obj is None:
            said = [word for word in URGENCY.findall(text) if word in URGENCIES]
            after = max(["urgent", *said], key=URGENCIES.index)
            raised = {"rule": "unreadable", "field": "urgency", "before": None, "after": after}
            return Layered(json.dumps({"urgency": after, "unreadable": text}, ensure_ascii=False), (raised,))
        said, grade, systems = _urgency(obj), _grade(obj), _systems(obj) or frozenset()
        asked = {"no urgency": "urgent"} if said is None else {}
        asked |= {} if grade is None else {f"grade {grade}": GRADE_URGENCY[grade]}
        asked |= {f"{system} event": "urgent" for system in NEVER_BELOW_URGENT if system in systems}
        floor = -1 if said is None else URGENCIES.index(said)
        raising = {rule: word for rule, word in asked.items() if URGENCIES.index(word) > floor}
        if not raising:
            return Layered(text)
        after = max(raising.values(), key=URGENCIES.index)
        note = f"[Safety layer: raised from {said or 'none'} to {after}; {', '.join(raising)}.]"
        reason = obj.get("urgency_reasoning")
        told = {"urgency_reasoning": f"{reason} {note}"} if type(reason) is str else {}
        corrections = tuple(
            {"rule": r, "field": "urgency", "before": said, "after": word} for r, word in raising.items()
        )
        return Layered(json.dumps({**obj, "urgency": after, **told}, ensure_ascii=False), corrections)


TASK = IraeTriage

"""The triage task, case by case: what is read, what is scored, and what the safety layer may and may not do."""

from __future__ import annotations

import copy
import json

import pytest

from primum.config import project_root
from primum.errors import UserError
from primum.tasks.base import Example
from primum.tasks.irae_triage import GRADE_URGENCY, SCORED, SYSTEMS, URGENCIES, IraeTriage

SETTINGS = {"system_prompt": "", "user_prompt": "{labs}\n{notes}", "reason_max_chars": 400, "max_items": 5}
TASK = IraeTriage(SETTINGS)
IRAE = Example.from_row(json.loads((project_root() / "tests" / "contract" / "irae_example.json").read_text()))
GOLD = IRAE.gold["assessment"]


def said(**changes):
    """A completion: the gold assessment with fields changed; 'likelihood' is that of its causality."""
    obj = copy.deepcopy(GOLD)
    if "likelihood" in changes:
        obj["causality"]["likelihood"] = changes.pop("likelihood")
    return json.dumps(obj | changes)


def outcomes(**changes):
    return TASK.judge(IRAE, said(**changes)).outcomes


WRONG = {
    "urgency_right": {"urgency": "soon"},
    "grade_right": {"overall_severity": 2},
    "detected_right": {"irae_detected": False},
    "systems_right": {"affected_systems": ["renal"]},
    "likelihood_right": {"likelihood": "possible"},
}


@pytest.mark.parametrize("name", SCORED)
def test_each_field_is_scored_by_itself_and_four_of_five_pass(name):
    found = outcomes(**WRONG[name])
    assert [other for other in SCORED if not found[other]] == [name]
    assert found["passed"] and not found["all_right"]
    second = next(other for other in SCORED if other != name)
    assert not outcomes(**WRONG[name], **WRONG[second])["passed"]


def test_a_case_that_passes_and_is_sent_home_is_counted():
    found = outcomes(urgency="routine")
    assert found["passed"] and found["under_triage"] and found["severe_under_triage"] and found["passed_under_triaged"]
    assert not outcomes(urgency="emergency")["passed_under_triaged"]


@pytest.mark.parametrize(
    ("urgency", "held"),
    [
        ("routine", {"under_triage", "severe_under_triage"}),
        ("soon", {"under_triage"}),
        ("urgent", {"urgency_right", "urgency_safe"}),
        ("emergency", {"over_triage", "urgency_safe"}),
        ("now", {"under_triage", "severe_under_triage"}),
        (None, {"under_triage", "severe_under_triage"}),
    ],
)
def test_under_and_over_triage_stand_apart_and_no_urgency_is_routine(urgency, held):
    found = outcomes(urgency=urgency)
    names = (
        "under_triage",
        "severe_under_triage",
        "over_triage",
        "severe_over_triage",
        "urgency_right",
        "urgency_safe",
    )
    assert {name for name in names if found[name]} == held


@pytest.mark.parametrize("text", ["", "not JSON", "[1]", f"```json\n{said()}\n```"])
def test_what_cannot_be_read_is_under_triage_where_anything_is_due(text):
    found = TASK.judge(IRAE, text).outcomes
    assert found["under_triage"] and not found["json_valid"] and not found["passed"] and not found["cleared"]


def test_naming_every_system_overlaps_and_is_not_exact():
    found = outcomes(affected_systems=list(SYSTEMS))
    assert found["systems_right"] and not found["systems_exact"] and found["passed"]


def test_nothing_affected_is_said_by_an_empty_list():
    gold = copy.deepcopy(GOLD) | {"affected_systems": [], "overall_severity": 0, "irae_detected": False}
    gold["causality"]["likelihood"], gold["urgency"] = "unrelated", "routine"
    well = Example("well", IRAE.inputs, {"answer": "routine", "assessment": gold})
    TASK.validate(well)
    assert TASK.judge(well, json.dumps(gold)).outcomes["all_right"]
    named = TASK.judge(well, json.dumps(gold | {"affected_systems": ["renal"]})).outcomes
    missing = TASK.judge(well, json.dumps({k: v for k, v in gold.items() if k != "affected_systems"})).outcomes
    assert not named["systems_right"] and not missing["systems_right"]
    assert not TASK.judge(well, "").outcomes["under_triage"]  # nothing is due


@pytest.mark.parametrize(
    "change",
    [
        {"overall_severity": 5},
        {"overall_severity": "3"},
        {"overall_severity": True},
        {"irae_detected": "true"},
        {"affected_systems": ["liver"]},
        {"affected_systems": ["hepatic", "hepatic"]},
        {"causality": "probable"},
        {"likelihood": "certain"},
        {"urgency": "URGENT"},
        {"recommended_actions": []},
        {"key_evidence": [""]},
        {"severity_reasoning": " "},
        {"more": 1},
    ],
)
def test_what_the_schema_refuses(change):
    assert outcomes()["schema_valid"] and not outcomes(**change)["schema_valid"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"irae_detected": False}, "contradicts itself"),
        ({"affected_systems": []}, "contradicts itself"),
        ({"urgency": "later"}, "vocabulary"),
    ],
)
def test_gold_that_contradicts_itself_is_refused(change, named):
    row = Example("row", IRAE.inputs, {"answer": "urgent", "assessment": GOLD | change})
    with pytest.raises(UserError, match=named):
        TASK.validate(row)


def test_the_layer_raises_by_rule_and_says_so():
    layered = TASK.layer(said(urgency="soon", affected_systems=["cardiac"], overall_severity=2))
    assert [c["rule"] for c in layered.corrections] == ["cardiac event"]
    assert layered.corrections[0] == {"rule": "cardiac event", "field": "urgency", "before": "soon", "after": "urgent"}
    obj = json.loads(layered.text)
    assert obj["urgency"] == "urgent" and "raised from soon to urgent; cardiac event" in obj["urgency_reasoning"]
    both = TASK.layer(said(urgency="routine", affected_systems=["neurological"], overall_severity=4))
    assert {c["rule"]: c["after"] for c in both.corrections} == {"grade 4": "emergency", "neurological event": "urgent"}
    assert json.loads(both.text)["urgency"] == "emergency"


@pytest.mark.parametrize("grade", range(5))
@pytest.mark.parametrize("urgency", URGENCIES)
def test_the_layer_never_lowers_and_leaves_alone_what_is_high_enough(grade, urgency):
    text = said(overall_severity=grade, urgency=urgency)
    layered = TASK.layer(text)
    after = json.loads(layered.text)["urgency"]
    assert URGENCIES.index(after) == max(URGENCIES.index(urgency), URGENCIES.index(GRADE_URGENCY[grade]))
    assert bool(layered.corrections) == (after != urgency)
    if not layered.corrections:
        assert layered.text == text
    assert TASK.layer(layered.text).corrections == ()  # once is enough


def test_an_emergency_that_cannot_be_read_stays_one():
    twice = said(urgency="emergency").replace('{"key_evidence"', '{"urgency": "soon", "key_evidence"', 1)
    assert TASK.judge(IRAE, twice).outcomes["json_valid"] is False
    layered = TASK.layer(twice)
    assert json.loads(layered.text) == {"urgency": "emergency", "unreadable": twice}
    assert layered.corrections == ({"rule": "unreadable", "field": "urgency", "before": None, "after": "emergency"},)


@pytest.mark.parametrize("text", ["", "broken {", '{"urgency": 3}', '{"overall_severity": 1}'])
def test_what_cannot_be_read_goes_to_a_person(text):
    layered = TASK.layer(text)
    assert layered.corrections and json.loads(layered.text)["urgency"] == "urgent"
    assert TASK.judge(IRAE, layered.text).outcomes["urgency_safe"]


def test_the_layer_sees_the_answer_and_not_the_case():
    missed = said(urgency="routine", overall_severity=0, affected_systems=[], irae_detected=False)
    assert TASK.layer(missed).corrections == ()  # the case is grade 3, and nothing of the answer says so


def test_what_sft_teaches_is_cut_between_words_and_still_earns_everything():
    task = IraeTriage(SETTINGS | {"reason_max_chars": 12, "max_items": 1})
    text = task.gold_completion(IRAE)
    assert task.judge(IRAE, text).outcomes["all_right"] and task.judge(IRAE, text).outcomes["schema_valid"]
    assert json.loads(text)["severity_reasoning"] == "Grade 3: ALT"

"""What every task promises, on every shipped study; and MedMCQA's strictness, case by case."""

from __future__ import annotations

import json

import pytest
import yaml

from primum.config import project_root
from primum.errors import UserError
from primum.reports.wording import wording
from primum.rewards import itemise, total
from primum.settings import load_config, load_study
from primum.tasks import load_task
from primum.tasks.base import Example, Task

ROOT = project_root()
STUDIES = sorted(path.stem for path in (ROOT / "config" / "studies").glob("*.yaml"))
CONFIG = load_config(yaml.safe_load((ROOT / "config" / "config.yaml").read_text()))
EXAMPLE = Example(
    "row-1",
    {"question": "Lack of thiamine causes", "options": ["scurvy", "beriberi", "rickets", "pellagra"]},
    {"answer": "B", "explanation": 'Thiamine is vitamin B1;\nits lack is "beriberi".'},
    "Biochemistry",
    "thiamine",
)
GROUNDED = Example(
    "row-1",
    {
        "context": "A girl of seven years was referred with ataxia. She received 54 Gy in 30 fractions to the pons. "
        "Her parents were told of the trial. Dexamethasone was begun at once, and physiotherapy went on throughout.",
        "question": "What dose did the girl receive?",
    },
    {
        **{"answer": "She received 54 Gy.", "think": "The text gives the dose.", "key": "54 Gy", "expects": "answer"},
        **{"proof": ["She received 54 Gy in 30 fractions to the pons."], "alternatives": ["59.4 Gy"]},
    },
    "reasoning",
    "dose",
)
IRAE = Example.from_row(json.loads((ROOT / "tests" / "contract" / "irae_example.json").read_text()))
EXAMPLES = {"medmcqa": EXAMPLE, "grounded_answer": GROUNDED, "irae_triage": IRAE}


@pytest.fixture(params=STUDIES)
def task(request: pytest.FixtureRequest) -> Task:
    study = load_study(ROOT, request.param, CONFIG)
    return load_task(study.task, study.task_settings)


def test_gold_earns_everything_and_cheap_policies_do_not(task: Task) -> None:
    example = EXAMPLES[task.name]
    task.validate(example)
    weights = {name: 1.0 if name in task.expected(example) else -1.0 for name in task.reward_outcomes}
    verdict = task.judge(example, task.gold_completion(example))
    assert {name for name in task.reward_outcomes if verdict.outcomes[name]} == task.expected(example)
    best = len(task.expected(example))
    assert total(verdict, weights) == best == sum(itemise(verdict, weights).values())
    rotations = [task.permute(example, shift) or example for shift in range(4)]
    for name in task.policies(example):
        earned = [total(task.judge(e, task.policies(e)[name]), weights) for e in rotations]
        assert sum(earned) / len(earned) < best, name


def test_every_verdict_has_every_outcome_and_one_only_answer(task: Task) -> None:
    example = EXAMPLES[task.name]
    for text in ["", "nonsense", task.gold_completion(example), *task.policies(example).values()]:
        verdict = task.judge(example, text)
        assert tuple(verdict.outcomes) == task.outcomes
        assert all(type(value) is bool for value in verdict.outcomes.values())
        held = {name for name in task.reward_outcomes if verdict.outcomes[name]}
        assert bool(verdict.why) == (held != task.expected(example))
    named = {m.of for m in task.metrics} | {name for m in task.metrics for name in m.given} | set(task.reward_outcomes)
    assert named <= set(task.outcomes)


def test_what_a_layer_changes_is_an_outcome_and_has_words(task: Task) -> None:
    has_layer = task.layer("nothing that could be read") is not None
    assert bool(task.layer_outcomes) is has_layer and set(task.layer_outcomes) <= set(task.outcomes)
    assert tuple(wording(task.name).layered) == task.layer_outcomes and bool(wording(task.name).layer) is has_layer


def test_without_gold_a_sample_is_unscorable_and_not_wrong(task: Task) -> None:
    example = EXAMPLES[task.name]
    bare = Example(example.id, example.inputs, {}, example.kind, example.group)
    assert task.judge(bare, task.gold_completion(example)).scorable is False
    with pytest.raises(UserError, match=r"row-1.*Remedy"):
        task.validate(bare)


def test_rotating_options_keeps_the_content_of_the_answer(task: Task) -> None:
    example = EXAMPLES[task.name]
    if task.choices(example) is None:
        assert all(task.permute(example, shift) is None for shift in range(1, 4))
        return
    text = example.inputs["options"]["ABCD".index(example.gold["answer"])]
    for shift in range(1, 4):
        turned = task.permute(example, shift)
        assert turned.inputs["options"]["ABCD".index(turned.gold["answer"])] == text
        assert turned.inputs["options"] != example.inputs["options"]


def say(**changes: object) -> str:
    fields = {"predicted_category": "B", "confidence": 0.95, "reason": "so"} | changes
    return json.dumps({k: v for k, v in fields.items() if v is not None})


# (completion, R1 json_valid, R2 schema_valid, R3 correct)
CASES = [
    (say(), 1, 1, 1),
    ("  \n" + say() + "\n ", 1, 1, 1),
    (say(predicted_category="C"), 1, 1, 0),
    (say(confidence=1), 1, 1, 1),
    (say(confidence=0), 1, 1, 1),
    (say(confidence=True), 1, 0, 1),
    (say(confidence="0.9"), 1, 0, 1),
    (say(confidence=1.01), 1, 0, 1),
    (say(confidence=-0.0), 1, 1, 1),
    (say(confidence=None), 1, 0, 1),
    (say(reason=" \t"), 1, 0, 1),
    (say(reason=""), 1, 0, 1),
    (say(reason=["so"]), 1, 0, 1),
    (say(reason=None), 1, 0, 1),
    (say(extra=1), 1, 0, 1),
    (say(predicted_category="b"), 1, 0, 0),
    (say(predicted_category=["B"]), 1, 0, 0),
    (say(predicted_category="B)"), 1, 0, 0),
    ("{}", 1, 0, 0),
    (say().replace("0.95", "NaN"), 0, 0, 0),
    (say().replace("0.95", "Infinity"), 0, 0, 0),
    (say().replace("0.95", "1e999"), 1, 0, 1),
    (say()[:-1] + ', "reason": "again"}', 0, 0, 0),
    ("```json\n" + say() + "\n```", 0, 0, 0),
    ("<think>\n\n</think>\n\n" + say(), 0, 0, 0),
    ("Sure! " + say(), 0, 0, 0),
    (say() + " Hope this helps", 0, 0, 0),
    (say() + say(), 0, 0, 0),
    (say()[:-1], 0, 0, 0),
    (f"[{say()}]", 0, 0, 0),
    ('"B"', 0, 0, 0),
    ("85", 0, 0, 0),
    ("null", 0, 0, 0),
    ("", 0, 0, 0),
    ("\ufeff" + say(), 0, 0, 0),
    ("[" * 100_000, 0, 0, 0),
]


@pytest.mark.parametrize(("text", "valid", "schema", "correct"), CASES, ids=[repr(case[0][:40]) for case in CASES])
def test_medmcqa_strictness(text: str, valid: int, schema: int, correct: int) -> None:
    study = load_study(ROOT, "medmcqa", CONFIG)
    verdict = load_task("medmcqa", study.task_settings).judge(EXAMPLE, text)
    assert [verdict.outcomes[k] for k in ("json_valid", "schema_valid", "correct")] == [
        bool(valid),
        bool(schema),
        bool(correct),
    ]
    assert verdict.outcomes["correct_and_schema_valid"] == bool(schema and correct)

"""Deployments: the layer's record, comparisons with what they were made of, costs, corrections, and refusals."""

from __future__ import annotations

import copy
import json

import pytest

from primum.config import Study, project_root
from primum.errors import UserError
from primum.evaluation.console import to_csv
from primum.evaluation.deployment_plan import check_deployments
from primum.evaluation.deployments import COLUMNS, DeploymentsConfig, compare_deployments, layer_predictions
from primum.evaluation.score import ScoreConfig, score_predictions
from primum.files import sha256_file, write_json, write_jsonl
from primum.settings import read_yaml
from primum.strict import parse
from primum.tasks.base import ANY_RULE, Example

SETTINGS = {"system_prompt": "", "user_prompt": "{labs}", "reason_max_chars": 400, "max_items": 5}
COST = {"under_triage": -5.0, "severe_under_triage": -10.0, "over_triage": -1.0, "severe_over_triage": -2.0}
ROOT = project_root()


def case(name, grade, urgency, systems=("hepatic",)):
    row = json.loads((ROOT / "tests" / "contract" / "irae_example.json").read_text())
    gold = copy.deepcopy(row["gold"]["assessment"])
    gold |= {"overall_severity": grade, "urgency": urgency, "affected_systems": list(systems)}
    return {**row, "id": name, "group": name, "gold": {"answer": urgency, "assessment": gold}}


ROWS = [case(f"r{i}", 3, "urgent") for i in range(12)] + [
    case("mild", 3, "soon"),
    case("heart", 1, "urgent", ["cardiac"]),
]


def said(row, **changes):
    return json.dumps(row["gold"]["assessment"] | changes)


@pytest.fixture
def study(tmp_path):
    """A finished study of a base and one stage, whose stage says 'soon' to all, and a layer on both."""
    config = {"study": "irae", "task": "irae_triage", "task_settings": SETTINGS, "rewards": {"cost": COST}}
    data = tmp_path / "data"
    for split in ("eval", "sft"):
        write_jsonl(data / f"{split}.jsonl", [Example.from_row(row).to_row() for row in ROWS])

    def score(folder, predictions):
        scores, metrics = score_predictions(
            parse(ScoreConfig, config | {"fixed_table": "cost"}, "t"), ROWS, predictions
        )
        write_jsonl(folder / "predictions.jsonl", predictions)
        write_jsonl(folder / "scores.jsonl", scores)
        record = {"data": sha256_file(data / "eval.jsonl"), "predictions": sha256_file(folder / "predictions.jsonl")}
        write_json(folder / "metrics.json", metrics | {"sha256": record})

    texts = {"base": lambda row: "no JSON", "sft": lambda row: said(row, urgency="soon")}
    for stage, text in texts.items():
        made = [
            {"id": r["id"], "shift": 0, "completion": text(r), "tokens": 9, "finished": True, "letter_logprobs": {}}
            for r in ROWS
        ]
        score(tmp_path / "eval" / stage / "seed0" / "eval", made)
        layered = layer_predictions("irae_triage", SETTINGS, made)
        score(tmp_path / "deployments" / f"{stage}-layered" / "seed0" / "eval", layered)
    nodes = [{"name": f"{stage}-layered", "of": stage, "stage": stage, "layer": True} for stage in ("base", "sft")]
    stages = [{"name": "base", "parent": None}, {"name": "sft", "parent": "base", "method": "sft"}]
    known = {"seeds": [0], "splits": ["eval"], "training_splits": ["sft"], "published": None, "fixed_table": "cost"}
    known |= {"scale": "tiny", "base": "b", "dataset": "d", "stages": stages, "deployments": nodes}
    return parse(DeploymentsConfig, config | known, "test"), tmp_path


def run(study):
    config, folder = study
    return compare_deployments(config, folder / "eval", folder / "deployments", folder / "data")


def test_the_layer_is_compared_with_the_answers_it_was_put_on(study):
    found = run(study)
    rows = {(r["deployment"], r["against"], r["metric"]): r for r in found["deployment_comparisons"]}
    under = rows["sft-layered", "sft", "under_triage_rate"]
    assert (under["gained"], under["lost"], under["n"]) == (0, 13, 14) and under["supported"] == "yes"
    over = rows["sft-layered", "sft", "over_triage_rate"]
    assert (over["gained"], over["lost"], over["n"]) == (1, 0, 14)
    assert rows["base-layered", "base", "under_triage_rate"]["lost"] == 14
    behind = rows["sft-layered", "base-layered", "pass_rate"]
    assert (behind["gained"], behind["lost"], behind["supported"]) == (14, 0, "yes")  # unreadable: not one passes
    costs = {(r["deployment"], r["against"]): r for r in found["deployment_costs"]}
    assert costs["sft-layered", "sft"]["mean"] == pytest.approx(-1 / 14, abs=1e-6)
    assert costs["sft-layered", "sft"]["difference"] == pytest.approx((13 * 5 - 1) / 14, abs=1e-6)


def test_every_table_can_be_written(study):
    found = run(study)
    for name, columns in COLUMNS.items():
        lines = to_csv(columns, found[name]).splitlines()
        assert lines[0] == ",".join(columns) and len(lines) == len(found[name]) + 1 > 1, name


def test_corrections_are_told_by_rule_with_their_harm(study):
    rows = [r for r in run(study)["deployment_corrections"] if r["deployment"] == "sft-layered"]
    told = {(r["rule"], r["outcome"]): (r["corrected"], r["numerator"]) for r in rows}
    assert told[ANY_RULE, "urgency_right"] == (14, 13) and told[ANY_RULE, "over_triage"] == (14, 1)
    assert told["grade 3", "urgency_right"] == (13, 12) and told["cardiac event", "urgency_right"] == (1, 1)


def test_what_was_said_is_kept_beside_what_passes():
    row = ROWS[0]
    prediction = {"id": "r0", "shift": 0, "completion": said(row, urgency="soon"), "tokens": 9, "finished": True}
    [made] = layer_predictions("irae_triage", SETTINGS, [prediction])
    assert made["said"] == prediction["completion"] and json.loads(made["completion"])["urgency"] == "urgent"
    assert made["corrections"] == [{"rule": "grade 3", "field": "urgency", "before": "soon", "after": "urgent"}]


def test_a_task_without_a_layer_is_refused():
    settings = {"system_prompt": "", "user_prompt": "", "gold_confidence": 1.0, "reason_max_chars": 9}
    with pytest.raises(UserError, match="has no safety layer"):
        layer_predictions("medmcqa", settings, [{"completion": "{}"}])


def test_missing_scores_are_named(study):
    (study[1] / "deployments" / "sft-layered" / "seed0" / "eval" / "scores.jsonl").unlink()
    with pytest.raises(UserError, match=r"sft-layered/seed0/eval/scores.jsonl does not exist"):
        run(study)


def resolved(**deployments):
    raw = read_yaml(ROOT / "config" / "studies" / "irae.yaml")
    raw["data"]["ranges"] = {name: tuple(span) for name, span in raw["data"]["ranges"].items()}
    return parse(Study, raw | {"deployments": deployments}, "study 'irae'")


@pytest.mark.parametrize(
    ("deployments", "told"),
    [
        ({"sft": {"of": "base", "layer": True}}, "a stage has this name"),
        ({"x": {"of": "base"}}, "give either task_settings or layer"),
        ({"x": {"of": "y", "layer": True}}, "no stage, and no deployment"),
        ({"x": {"of": "base", "layer": True}, "y": {"of": "x", "layer": True}}, "only a layer goes on top"),
        ({"x": {"of": "y", "layer": True}, "y": {"of": "base", "layer": True}}, "stands before it"),
    ],
)
def test_what_the_configuration_refuses(deployments, told):
    with pytest.raises(UserError, match=told):
        resolved(**deployments)


def test_a_prompt_setting_that_the_task_does_not_know_is_refused():
    study = resolved(x={"of": "base", "task_settings": {"temperature": 3}})
    with pytest.raises(UserError, match=r"task_settings\.temperature"):
        check_deployments("irae", study)

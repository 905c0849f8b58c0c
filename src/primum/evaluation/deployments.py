"""Stages as they could be put to use: other prompts and the safety layer, from files alone.

A layer is judged like any other change: by paired comparison with the answers it was put on. What it corrected, by
which rule, and what became of those rows, good and bad, stands beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from primum.errors import UserError
from primum.evaluation.clusters import CLUSTERED, TESTED_BY_GROUP, clustered_rate, metric_strata
from primum.evaluation.earned import compare_reward, mean_reward
from primum.evaluation.earned import in_words as cost_in_words
from primum.evaluation.paired import adjust, compare_pair
from primum.evaluation.read import CompareConfig, Evaluations, read_evaluations
from primum.evaluation.score import metric_rate
from primum.evaluation.stats import RATE, rate
from primum.files import read_json, read_jsonl, sha256_file
from primum.strict import Identifier, Strict
from primum.tasks import load_task
from primum.tasks.base import ANY_RULE, Task

TESTED = ("difference", "low", "high")
COLUMNS = {
    "deployment_metrics": ("deployment", "seed", "split", "metric", *RATE, *CLUSTERED),
    "deployment_comparisons": (
        *("split", "seed", "deployment", "against", "metric", "n", *TESTED, "gained", "lost"),
        *("p_mcnemar", "p_holm", *TESTED_BY_GROUP, "detectable", "supported", "in_words"),
    ),
    "deployment_costs": (
        *("split", "seed", "deployment", "table", "mean", "low", "high", "n", "against", "difference"),
        *("difference_low", "difference_high", "p", "p_holm", "supported", "in_words"),
    ),
    "deployment_corrections": ("split", "seed", "deployment", "rule", "corrected", "outcome", *RATE),
}


class DeploymentNode(Strict):
    """A deployment and what it was made of."""

    name: Identifier
    of: Identifier
    stage: Identifier  # whose model answers
    layer: bool


class DeploymentsConfig(CompareConfig):
    """What ``scripts/compare_deployments.py`` is told."""

    deployments: list[DeploymentNode] = Field(min_length=1)


def layer_predictions(
    task: str, task_settings: Mapping[str, Any], predictions: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Predictions behind the task's safety layer: ``completion`` as it passes, ``said`` as it was, ``corrections``.

    Raises:
        UserError: if the task has no layer.
    """
    loaded = load_task(task, dict(task_settings))
    made = []
    for prediction in predictions:
        layered = loaded.layer(prediction["completion"])
        if layered is None:
            raise UserError(f"Task '{task}' has no safety layer.", "Take the deployments with 'layer: true' out.")
        said = {"said": prediction["completion"], "corrections": list(layered.corrections)}
        made.append({**prediction, "completion": layered.text, **said})
    return made


def compare_deployments(config: DeploymentsConfig, evaluations: Path, folder: Path, data: Path) -> dict[str, Any]:
    """Rates, comparisons, costs and corrections of every deployment: the content of ``deployments.json``.

    Every deployment is held against what it was made of, every trained stage against each deployment that is the base
    with another prompt, and, behind the layer, against the base behind it: answers to whether training was needed.
    Within a metric, p values are adjusted over all pairs.

    Args:
        config: stages and deployments.
        evaluations: ``results/{scale}/{study}/eval/{backend}``.
        folder: ``results/{scale}/{study}/deployments/{backend}``.
        data: folder of the split files.

    Raises:
        UserError: if a file is missing, or scores were made from other rows than those of the split.
    """
    task = load_task(config.task, config.task_settings)
    found = read_evaluations(config, evaluations, data)
    corrections: dict[tuple[str, int, str], dict[str, list[dict[str, Any]]]] = {}
    for node in config.deployments:
        for seed in config.seeds_of(node.stage):
            for split in config.splits:
                key, at = (node.name, seed, split), folder / node.name / f"seed{seed}" / split
                _read(found, key, at)
                if node.layer:
                    rows = read_jsonl(at / "predictions.jsonl")
                    corrections[key] = {row["id"]: row["corrections"] for row in rows}
    compared, costs = [], []
    for split in config.splits:
        compared += _comparisons(config, task, found, split)
        costs += _costs(config, task, found, split)
    return {
        "study": config.study,
        "splits": config.splits,
        "fixed_table": config.fixed_table,
        "key_metrics": list(task.key_metrics),
        "deployments": [node.model_dump() for node in config.deployments],
        "deployment_metrics": _metrics(config, task, found),
        "deployment_comparisons": compared,
        "deployment_costs": costs,
        "deployment_corrections": _corrections(task, found, corrections),
        "inputs": found.sha256,
    }


def _read(found: Evaluations, key: tuple[str, int, str], at: Path) -> None:
    """Scores of a deployment, which must be of the split's rows."""
    label = f"deployments/{'/'.join(map(str, (key[0], f'seed{key[1]}', key[2])))}"
    for name in ("metrics.json", "scores.jsonl"):
        if not (at / name).is_file():
            raise UserError(f"{label}/{name} does not exist.", "Let snakemake score it.")
        found.sha256[f"{label}/{name}"] = sha256_file(at / name)
    found.metrics[key] = read_json(at / "metrics.json")
    found.scores[key] = {score["id"]: score for score in read_jsonl(at / "scores.jsonl") if score["shift"] == 0}
    if not set(found.scores[key]) <= {example.id for example in found.rows[key[2]]}:
        raise UserError(f"{label} was scored on other rows than the split's.", "Let snakemake score it again.")


def _runs(config: DeploymentsConfig) -> list[tuple[str, int]]:
    """Every deployment and seed."""
    return [(node.name, seed) for node in config.deployments for seed in config.seeds_of(node.stage)]


def _metrics(config: DeploymentsConfig, task: Task, found: Evaluations) -> list[dict[str, Any]]:
    rows = []
    for name, seed in _runs(config):
        for split in config.splits:
            scores, groups = list(found.scores[name, seed, split].values()), found.groups(split)
            for metric in task.metrics:
                row = {"deployment": name, "seed": seed, "split": split, "metric": metric.name}
                value = metric_rate(metric, scores).to_json() | clustered_rate(metric_strata(metric, scores, groups))
                rows.append(row | {key: value[key] for key in (*RATE, *CLUSTERED)})
    return rows


def _pairs(config: DeploymentsConfig) -> list[tuple[str, int, str, int]]:
    """What is held against what: name and seed of both."""
    pairs = []
    stages = {node.name: node.stage for node in config.deployments} | {node.name: node.name for node in config.stages}
    for node in config.deployments:
        for seed in config.seeds_of(node.stage):
            pairs.append((node.name, seed, node.of, seed))
    behind = {node.of: node.name for node in config.deployments if node.layer}
    for stage in config.stages[1:]:
        if {"base", stage.name} <= behind.keys():
            base = behind["base"], config.seeds_of("base")[0]
            pairs += [(behind[stage.name], seed, *base) for seed in config.seeds_of(stage.name)]
    prompted = [node.name for node in config.deployments if not node.layer and node.stage == "base"]
    for stage in config.stages[1:]:
        for seed in config.seeds_of(stage.name):
            pairs += [(stage.name, seed, name, config.seeds_of(stages[name])[0]) for name in prompted]
    return pairs


def _comparisons(config: DeploymentsConfig, task: Task, found: Evaluations, split: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    groups = found.groups(split)
    for name, seed, against, other in _pairs(config):
        now, before = found.scores[name, seed, split], found.scores[against, other, split]
        made = compare_pair(task.metrics, now, before, name, against, groups)
        rows += [{"split": split, "seed": seed, "deployment": name} | row for row in made]
    for metric in task.metrics:
        adjust([row for row in rows if row["metric"] == metric.name])
    return [{key: value for key, value in row.items() if key != "stage"} for row in rows]


def _costs(config: DeploymentsConfig, task: Task, found: Evaluations, split: str) -> list[dict[str, Any]]:
    """The mean under the fixed table of each deployment, and its difference from what it is held against."""
    if config.fixed_table is None:
        return []
    weights, examples = config.rewards[config.fixed_table], {example.id: example for example in found.rows[split]}
    rows, tests = [], []
    for name, seed, against, other in _pairs(config):
        now, before = found.scores[name, seed, split], found.scores[against, other, split]
        mean = mean_reward(task, examples, list(now.values()), weights)
        test = compare_reward(now, before, examples, weights, name, against)
        tests.append(test | {"table": config.fixed_table})
        row = {"split": split, "seed": seed, "deployment": name, "table": config.fixed_table, "against": against}
        rows.append(row | {key: mean[key] for key in ("mean", "low", "high", "n")})
    adjust(tests, cost_in_words)
    for row, test in zip(rows, tests, strict=True):
        row |= {"difference": test["difference"], "difference_low": test["low"], "difference_high": test["high"]}
        row |= {key: test[key] for key in ("p", "p_holm", "supported", "in_words")}
    return rows


def _corrections(
    task: Task,
    found: Evaluations,
    corrections: Mapping[tuple[str, int, str], Mapping[str, list[dict[str, Any]]]],
) -> list[dict[str, Any]]:
    """How many rows each rule corrected, and what holds of them now, of what the layer can change.

    A row that several rules corrected counts for each of them; the first line of a deployment counts it once.
    """
    rows = []
    for (name, seed, split), by_row in corrections.items():
        rules: dict[str, set[str]] = {ANY_RULE: {row for row, made in by_row.items() if made}}
        for row, made in by_row.items():
            for correction in made:
                rules.setdefault(correction["rule"], set()).add(row)
        scores = found.scores[name, seed, split]
        for rule in [ANY_RULE, *sorted(set(rules) - {ANY_RULE})]:
            ids = [row for row in sorted(rules[rule]) if row in scores]
            for outcome in task.layer_outcomes:
                shown = rate(sum(bool(scores[row][outcome]) for row in ids), len(ids)).to_json()
                where = {"split": split, "seed": seed, "deployment": name, "rule": rule, "corrected": len(ids)}
                rows.append(where | {"outcome": outcome} | {key: shown[key] for key in RATE})
    return rows

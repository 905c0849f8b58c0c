"""A study's evaluations side by side: rates, paired comparisons, baselines, published numbers, from files alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from primum.errors import UserError
from primum.evaluation import published
from primum.evaluation.baselines import (
    Verdicts,
    baseline_rows,
    judge_policies,
    majority_answer,
    policy_rewards,
    references,
)
from primum.evaluation.clusters import CLUSTERED, TESTED_BY_GROUP
from primum.evaluation.components import outcome_rows
from primum.evaluation.earned import compare_reward
from primum.evaluation.earned import in_words as reward_in_words
from primum.evaluation.over_seeds import SEED_FIELDS, seed_rows
from primum.evaluation.paired import adjust, compare_pair
from primum.evaluation.read import CompareConfig, Evaluations, read_evaluations
from primum.evaluation.score import LETTER_METRIC, all_metrics
from primum.evaluation.selection import best_stages
from primum.evaluation.stats import RATE
from primum.evaluation.tree import Tree
from primum.files import sha256_file
from primum.stages import BASE_STAGE
from primum.tasks import load_task
from primum.tasks.base import Task

TESTED = ("difference", "low", "high")
EXPLOIT = ("mean", "low", "high", "n")
COLUMNS = {
    "metrics": ("stage", "seed", "split", "metric", *RATE, *CLUSTERED),
    "kinds": ("stage", "seed", "split", "kind", "metric", *RATE),
    "comparisons": (
        *("split", "seed", "stage", "against", "metric", "n", *TESTED, "gained", "lost"),
        *("p_mcnemar", "p_holm", *TESTED_BY_GROUP, "detectable", "supported", "in_words"),
    ),
    "over_seeds": ("split", "stage", "against", "metric", "seeds", *SEED_FIELDS),
    "rewards": (
        *("split", "seed", "stage", "part", "table", "mean", "low", "high", "n", "least", "most"),
        *(f"at_best_{key}" for key in RATE),
        *(f"exploit_{key}" for key in EXPLOIT),
    ),
    "outcomes": ("stage", "seed", "split", "table", "outcome", "weight", *RATE, "contribution"),
    "reward_comparisons": (
        *("split", "seed", "stage", "against", "table", "n", *TESTED),
        *("p", "p_holm", "detectable", "supported", "in_words"),
    ),
    "selection": (
        *("metric", "seed", "stages", "chosen_on", "split", "stage", *RATE, *(f"chosen_{key}" for key in RATE)),
        *("naive_stage", *(f"naive_{key}" for key in RATE)),
    ),
    "baselines": ("split", "baseline", "metric", *RATE, "note"),
    "published": (
        *("metric", "stage", *(f"published_{key}" for key in RATE)),
        *("scale", "base", "dataset", "split", "seed", *(f"our_{key}" for key in RATE), "source"),
    ),
}


def compare(config: CompareConfig, evaluations: Path, data: Path) -> dict[str, Any]:
    """Everything the study can say about its stages: the content of ``eval_results.json``."""
    task = load_task(config.task, config.task_settings)
    found = read_evaluations(config, evaluations, data)
    training = [example for split in config.training_splits for example in found.rows[split]]
    answer, trained_on = majority_answer(task, training)
    beside = references(task, found.rows[config.splits[0]])
    baselines: list[dict[str, Any]] = []
    policies: list[dict[str, Any]] = []
    comparisons: list[dict[str, Any]] = []
    rewards: list[dict[str, Any]] = []
    for split in config.splits:
        rows, where = found.rows[split], {"split": split}
        verdicts = judge_policies(task, rows, answer)
        baselines += [where | row for row in baseline_rows(task, rows, verdicts, answer, trained_on)]
        policies += [where | {"seed": None} | row for row in policy_rewards(task, rows, verdicts, config.rewards)]
        known = {name: verdicts[name] for name in beside if name in verdicts}
        comparisons += _comparisons(config, task, found, split, known)
        rewards += _reward_comparisons(config, found, split)
    return {
        **{key: getattr(config, key) for key in ("study", "task", "scale", "base", "dataset", "seeds", "splits")},
        "key_metrics": list(task.key_metrics or [task.metrics[0].name]),
        "faults": [metric.name for metric in task.metrics if metric.fault],
        "references": beside,
        "fixed_table": config.fixed_table,
        "stages": [node.model_dump() for node in config.stages],
        "evaluations": [
            {"stage": stage, "seed": seed, **{k: v for k, v in metrics.items() if k not in ("study", "task", "sha256")}}
            for (stage, seed, _), metrics in found.metrics.items()
        ],
        "metrics": _metrics(task, found),
        "kinds": _kinds(found),
        "comparisons": comparisons,
        "over_seeds": [row for split in config.splits for row in seed_rows(config, task, found, split)],
        "rewards": [_flat(row) for row in [*_rewards(found), *policies]],
        "outcomes": outcome_rows(config, found),
        "reward_comparisons": rewards,
        "selection": _selection(config, task, found),
        "baselines": baselines,
        "published": _published(config, found) if config.published else [],
        "inputs": found.sha256,
    }


def _metrics(task: Task, found: Evaluations) -> list[dict[str, Any]]:
    """Every rate: the task's metrics, completions without an end, consistency under rotated options."""
    rows = []
    for (stage, seed, split), metrics in found.metrics.items():
        names = [m.name for m in (*task.metrics, LETTER_METRIC) if m.name in metrics["metrics"]]
        rates = {name: metrics["metrics"][name] for name in names} | {
            "unfinished_rate": metrics["completions"]["unfinished"]
        }
        rotated = metrics["permutation"] or {}
        rates |= {name: rotated[name] for name in ("consistency", "letter_consistency") if name in rotated}
        for name, value in rates.items():
            row = {"stage": stage, "seed": seed, "split": split, "metric": name}
            rows.append(row | {key: value[key] for key in (*RATE, *CLUSTERED)})
    return rows


def _kinds(found: Evaluations) -> list[dict[str, Any]]:
    """Every rate that applies to a kind of example."""
    return [
        {"stage": stage, "seed": seed, "split": split, "kind": kind, "metric": name, **value}
        for (stage, seed, split), metrics in found.metrics.items()
        for kind, rates in metrics["kinds"].items()
        for name, value in rates.items()
    ]


def _rewards(found: Evaluations) -> list[dict[str, Any]]:
    return [
        {"split": split, "seed": seed, "stage": stage, "table": name, **reward}
        for (stage, seed, split), metrics in found.metrics.items()
        for name, reward in metrics["rewards"].items()
    ]


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """A line of ``rewards.csv``."""
    best, exploit = row["at_best"], row.get("exploit") or {}
    kept = {key: value for key, value in row.items() if key not in ("at_best", "exploit", "part")}
    kept |= {"part": " and ".join(row["part"])} | {f"at_best_{key}": best[key] for key in RATE}
    return kept | {f"exploit_{key}": exploit.get(key) for key in EXPLOIT}


def _pairs(config: CompareConfig, found: Evaluations, split: str) -> Iterator[tuple[str, str, int, Any, Any]]:
    """What is compared: stage, what it is held against, seed, and the scores of both."""
    tree = Tree(config.stages)
    for node in config.stages:
        for seed in config.seeds_of(node.name):
            now = found.scores[node.name, seed, split]
            for against in tree.against(node.name):
                before = found.scores[against, seed if seed in config.seeds_of(against) else 0, split]
                if set(now) != set(before):
                    raise UserError(
                        f"'{node.name}' and '{against}' were scored on different rows of {split}.",
                        "Let snakemake score both again.",
                    )
                yield node.name, against, seed, now, before


def _comparisons(
    config: CompareConfig, task: Task, found: Evaluations, split: str, policies: Verdicts
) -> list[dict[str, Any]]:
    """Stages against stages; and every stage's headline against the policies that stand beside it.

    Within a metric, p values are adjusted over all pairs of stages, and apart from those over all pairs with policies.
    """
    rows: list[dict[str, Any]] = []
    groups = found.groups(split)
    for stage, against, seed, now, before in _pairs(config, found, split):
        metrics = [m for m in all_metrics(task, now.values()) if m.name != LETTER_METRIC.name or _lettered(before)]
        made = compare_pair(metrics, now, before, stage, against, groups)
        rows += [{"split": split, "seed": seed} | row for row in made]
    for stage, seed in config.runs():
        for name, verdicts in policies.items():
            made = compare_pair([task.metrics[0]], found.scores[stage, seed, split], verdicts, stage, name, groups)
            rows += [{"split": split, "seed": seed} | row for row in made]
    families: dict[tuple[str, bool], list[dict[str, Any]]] = {}
    for row in rows:
        families.setdefault((row["metric"], row["against"] in policies), []).append(row)
    for family in families.values():
        adjust(family)
    order = [stage for stage, _ in config.runs()]
    return sorted(rows, key=lambda row: (order.index(row["stage"]), row["seed"]))


def _reward_comparisons(config: CompareConfig, found: Evaluations, split: str) -> list[dict[str, Any]]:
    """Mean reward of stages against stages, under the one fixed table."""
    if config.fixed_table is None:
        return []
    weights, examples = config.rewards[config.fixed_table], {example.id: example for example in found.rows[split]}
    rows = [
        {"split": split, "seed": seed, "table": config.fixed_table}
        | compare_reward(now, before, examples, weights, stage, against)
        for stage, against, seed, now, before in _pairs(config, found, split)
    ]
    adjust(rows, reward_in_words)
    return rows


def _selection(config: CompareConfig, task: Task, found: Evaluations) -> list[dict[str, Any]]:
    if config.selection is None or len(config.stages) < 2:
        return []
    rates = {key: metrics["metrics"] for key, metrics in found.metrics.items()}
    stages = [node.name for node in config.stages if node.name != BASE_STAGE]
    names = task.key_metrics or (task.metrics[0].name,)
    chosen = [metric for metric in task.metrics if metric.name in names]
    return best_stages(chosen, rates, stages, config.seeds, config.selection, config.splits[0])


def _lettered(scores: dict[str, dict[str, Any]]) -> bool:
    return any(score["letter_answer"] is not None for score in scores.values())


def _published(config: CompareConfig, found: Evaluations) -> list[dict[str, Any]]:
    path = published.FOLDER / f"{config.published}.tsv"
    found.sha256[path.as_posix()] = sha256_file(path)
    split, first = config.splits[0], {node.name: config.seeds_of(node.name)[0] for node in config.stages}
    ours = {
        (stage, metric): {"seed": seed, **rate}
        for stage, seed in first.items()
        for metric, rate in found.metrics[stage, seed, split]["metrics"].items()
    }
    where = {"scale": config.scale, "base": config.base, "dataset": config.dataset, "split": split}
    return published.published_rows(published.read_published(path), ours, where)

"""A study's evaluations side by side: rates, paired comparisons, baselines, published numbers, from files alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from primum.errors import UserError
from primum.evaluation import published
from primum.evaluation.baselines import MAJORITY, baseline_rows, judge_policies, majority_letter
from primum.evaluation.paired import compare_pair
from primum.evaluation.score import LETTER_METRIC, all_metrics
from primum.files import read_json, read_jsonl, sha256_file
from primum.stages import BASE_STAGE
from primum.strict import Identifier, Strict
from primum.tasks import load_task
from primum.tasks.base import Example, Task

RATE = ("value", "low", "high", "numerator", "n")
COLUMNS = {
    "metrics": ("stage", "seed", "split", "metric", *RATE),
    "comparisons": (
        *("split", "seed", "stage", "against", "metric", "n", "difference", "low", "high", "gained", "lost"),
        *("p_mcnemar", "p_holm", "detectable", "supported", "in_words"),
    ),
    "baselines": ("split", "baseline", "metric", *RATE, "note"),
    "published": (
        *("metric", "stage", *(f"published_{key}" for key in RATE)),
        *("p_fisher", "paired_if_at_most", "supported", "claim", "scale", "base", "dataset", "split", "seed"),
        *(f"our_{key}" for key in RATE),
        "source",
    ),
}


class StageNode(Strict):
    """A stage and what it grew from; the base has no parent."""

    name: Identifier
    parent: Identifier | None


class CompareConfig(Strict):
    """What ``scripts/compare_stages.py`` is told."""

    study: Identifier
    task: str
    task_settings: dict[str, Any]
    stages: Annotated[list[StageNode], Field(min_length=1)]  # parents first, the base among them
    seeds: Annotated[list[int], Field(min_length=1)]
    splits: Annotated[list[Identifier], Field(min_length=1)]  # the first is the one claims are made on
    training_splits: list[Identifier]
    published: Identifier | None
    scale: Identifier
    base: Identifier
    dataset: Identifier

    def seeds_of(self, stage: str) -> list[int]:
        """The base is what it is, and was evaluated once."""
        return [0] if stage == BASE_STAGE else self.seeds

    def runs(self) -> list[tuple[str, int]]:
        """Every evaluated (stage, seed), in order."""
        return [(node.name, seed) for node in self.stages for seed in self.seeds_of(node.name)]


@dataclass(slots=True)
class Evaluations:
    """What was read: metrics and unrotated scores by (stage, seed, split), rows by split, every file's sha256."""

    metrics: dict[tuple[str, int, str], dict[str, Any]]
    scores: dict[tuple[str, int, str], dict[str, dict[str, Any]]]
    rows: dict[str, list[Example]]
    sha256: dict[str, str]


def read_evaluations(config: CompareConfig, evaluations: Path, data: Path) -> Evaluations:
    """Read and check every file a comparison rests on.

    Args:
        config: which stages, seeds and splits.
        evaluations: ``results/{scale}/{study}/eval/{backend}``.
        data: folder of the split files.

    Raises:
        UserError: if a file is missing, or scores were made from other rows than those of the split.
    """
    found = Evaluations({}, {}, {}, {})
    for split in sorted({*config.splits, *config.training_splits}):
        path = data / f"{split}.jsonl"
        found.sha256[f"data/{split}.jsonl"] = sha256_file(path)
        found.rows[split] = [Example.from_row(row) for row in read_jsonl(path)]
    for stage, seed in config.runs():
        for split in config.splits:
            label, key = f"{stage}/seed{seed}/{split}", (stage, seed, split)
            for name in ("metrics.json", "scores.jsonl"):
                found.sha256[f"eval/{label}/{name}"] = sha256_file(evaluations / label / name)
            found.metrics[key] = read_json(evaluations / label / "metrics.json")
            scores = read_jsonl(evaluations / label / "scores.jsonl")
            found.scores[key] = {score["id"]: score for score in scores if score["shift"] == 0}
            known = {example.id for example in found.rows[split]}
            fits = found.metrics[key]["sha256"]["data"] == found.sha256[f"data/{split}.jsonl"]
            if not fits or not set(found.scores[key]) <= known or len(found.scores[key]) != found.metrics[key]["n"]:
                raise UserError(
                    f"Scores of {label} were not made from this {split}.jsonl.",
                    "Delete them and let snakemake score again.",
                )
    return found


def compare(config: CompareConfig, evaluations: Path, data: Path) -> dict[str, Any]:
    """Everything the study can say about its stages: the content of ``eval_results.json``."""
    task = load_task(config.task, config.task_settings)
    found = read_evaluations(config, evaluations, data)
    letter, trained_on = majority_letter(example for split in config.training_splits for example in found.rows[split])
    baselines: list[dict[str, Any]] = []
    comparisons: list[dict[str, Any]] = []
    for split in config.splits:
        verdicts = judge_policies(task, found.rows[split], letter)
        table = baseline_rows(task, found.rows[split], verdicts, letter, trained_on)
        baselines += [{"split": split, **row} for row in table]
        comparisons += _comparisons(config, task, found, split, verdicts.get(MAJORITY))
    results: dict[str, Any] = {
        **{key: getattr(config, key) for key in ("study", "task", "scale", "base", "dataset", "seeds", "splits")},
        "stages": [node.model_dump() for node in config.stages],
        "evaluations": [
            {"stage": stage, "seed": seed, **{k: v for k, v in metrics.items() if k not in ("study", "task", "sha256")}}
            for (stage, seed, _), metrics in found.metrics.items()
        ],
        "metrics": _metrics(task, found),
        "comparisons": comparisons,
        "baselines": baselines,
        "published": _published(config, found) if config.published else [],
        "inputs": found.sha256,
    }
    return results


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
            rows.append(
                {"stage": stage, "seed": seed, "split": split, "metric": name, **{key: value[key] for key in RATE}}
            )
    return rows


def _comparisons(
    config: CompareConfig, task: Task, found: Evaluations, split: str, majority: Any
) -> list[dict[str, Any]]:
    """Every stage against the base and against the stage before; every stage's headline against the majority letter."""
    rows: list[dict[str, Any]] = []
    for node in config.stages:
        for seed in config.seeds_of(node.name):
            now = found.scores[node.name, seed, split]
            where: dict[str, Any] = {"split": split, "seed": seed}
            for against in dict.fromkeys((BASE_STAGE, node.parent)):
                if against is None or against == node.name:
                    continue
                before = found.scores[against, seed if seed in config.seeds_of(against) else 0, split]
                if set(now) != set(before):
                    raise UserError(
                        f"'{node.name}' and '{against}' were scored on different rows of {split}.",
                        "Let snakemake score both again.",
                    )
                metrics = [
                    m for m in all_metrics(task, now.values()) if m.name != LETTER_METRIC.name or _lettered(before)
                ]
                rows += [where | row for row in compare_pair(metrics, now, before, node.name, against)]
            if majority is not None:
                rows += [where | row for row in compare_pair([task.metrics[0]], now, majority, node.name, MAJORITY)]
    return rows


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

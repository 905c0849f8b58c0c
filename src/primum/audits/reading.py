"""What an audit is told, and the files that it rests on, read and checked as a comparison of stages reads them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from primum.errors import UserError
from primum.evaluation.read import CompareConfig, Evaluations, read_evaluations
from primum.evaluation.tree import Tree
from primum.files import read_jsonl, sha256_file
from primum.stages import BASE_STAGE
from primum.strict import Identifier
from primum.tasks import load_task
from primum.tasks.base import Example, Metric, Task

Run = tuple[str, int]
ByRow = dict[str, dict[str, Any]]


class AuditConfig(CompareConfig):
    """What ``scripts/audit_study.py`` is told."""

    training_tables: dict[Identifier, Identifier] = Field(default_factory=dict)  # stage -> the table it was paid by
    swapped: list[Identifier] = Field(default_factory=list)  # stages that answer rows with swapped patients
    pretraining: str | None = None  # folder of the bank whose statements the base was trained on, if it is one


@dataclass(slots=True)
class Audited:
    """Everything that audits look at.

    Attributes:
        config: which study, stages and splits.
        task: the study's.
        found: rows and scores.
        predictions: unrotated, by (stage, seed, split) and row id.
        logs: lines of ``train_log.jsonl`` by (stage, seed).
    """

    config: AuditConfig
    task: Task
    found: Evaluations
    predictions: dict[tuple[str, int, str], ByRow]
    logs: dict[Run, list[dict[str, Any]]]

    @property
    def headline(self) -> Metric:
        """The study's first metric."""
        return self.task.metrics[0]

    def examples(self, split: str) -> dict[str, Example]:
        """Rows of a split by id."""
        return {example.id: example for example in self.found.rows[split]}

    def training(self) -> list[Example]:
        """Rows of all splits that may be trained on."""
        return [example for split in self.config.training_splits for example in self.found.rows[split]]

    def against(self, stage: str) -> str | None:
        """The supervised stage that a GRPO stage grew from; None for any other."""
        tree = Tree(self.config.stages)
        if stage not in tree.nodes or tree.nodes[stage].method != "grpo":
            return None
        supervised = [name for name in tree.lineage(stage)[:-1] if tree.nodes[name].method == "sft"]
        return supervised[-1] if supervised else None


def read_audited(config: AuditConfig, evaluations: Path, data: Path, models: Path) -> Audited:
    """Read and check.

    Args:
        config: what to audit.
        evaluations: ``results/{scale}/{study}/eval/{backend}``.
        data: folder of the split files.
        models: ``results/{scale}/{study}/models/{backend}``.

    Raises:
        UserError: if a file is missing, or was made from other rows.
    """
    found = read_evaluations(config, evaluations, data)
    predictions, logs = {}, {}
    for stage, seed in config.runs():
        for split in config.splits:
            label = f"{stage}/seed{seed}/{split}/predictions.jsonl"
            found.sha256[f"eval/{label}"] = sha256_file(evaluations / label)
            predictions[stage, seed, split] = by_row(evaluations / label, found.rows[split])
        if stage != BASE_STAGE:
            log = f"{stage}/seed{seed}/train_log.jsonl"
            found.sha256[f"models/{log}"] = sha256_file(models / log)
            logs[stage, seed] = read_jsonl(models / log)
    return Audited(config, load_task(config.task, config.task_settings), found, predictions, logs)


def by_row(path: Path, rows: list[Example]) -> ByRow:
    """Unrotated lines of a file of predictions or scores, by row id; :class:`UserError` if they are of other rows."""
    lines = {line["id"]: line for line in read_jsonl(path) if line["shift"] == 0}
    if not set(lines) <= {example.id for example in rows}:
        raise UserError(f"{path} has rows that are not in its split.", "Delete it and let snakemake make it again.")
    return lines

"""What a comparison of stages is told, and the files that it rests on: read and checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from primum.errors import UserError
from primum.evaluation.clusters import group_of
from primum.files import read_json, read_jsonl, sha256_file
from primum.stages import BASE_STAGE
from primum.strict import Identifier, Strict
from primum.tasks.base import Example


class StageNode(Strict):
    """A stage and what it grew from; the base has no parent and no method."""

    name: Identifier
    parent: Identifier | None
    method: Literal["sft", "grpo"] | None = None


class CompareConfig(Strict):
    """What ``scripts/compare_stages.py`` is told."""

    study: Identifier
    task: str
    task_settings: dict[str, Any]
    stages: Annotated[list[StageNode], Field(min_length=1)]  # parents first, the base among them
    seeds: Annotated[list[int], Field(min_length=1)]
    splits: Annotated[list[Identifier], Field(min_length=1)]  # the first is the one claims are made on
    selection: Identifier | None = None  # the one of them on which the best stage is chosen
    training_splits: list[Identifier]
    rewards: dict[Identifier, dict[str, float]] = Field(default_factory=dict)  # that policies are paid by
    fixed_table: Identifier | None = None  # the one of them under which stages are compared
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

    def groups(self, split: str) -> dict[str, str]:
        """The group of every row of a split, by row id."""
        return {example.id: group_of(example) for example in self.rows[split]}


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

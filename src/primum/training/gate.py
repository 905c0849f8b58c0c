"""The gate before training: gold answers earn full marks on every row, and policies that know nothing earn less."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from primum.config import Strict
from primum.errors import UserError
from primum.files import read_jsonl, sha256_file
from primum.rewards import check_table, maximum, total
from primum.tasks import load_task
from primum.tasks.base import Example, Task


class RewardsConfig(Strict):
    """``--config`` of ``scripts/check_rewards.py``."""

    study: str
    task: str
    task_settings: dict[str, Any]
    rewards: dict[str, dict[str, float]]


def build_gate(config: RewardsConfig, files: list[Path]) -> dict[str, Any]:
    """Judge gold answers and constant policies on every row of every file under every reward table.

    Returns:
        ``{"data": {file name: {"sha256", "rows"}},
        "tables": {name: {"weights", "maximum", "policies": {policy: mean}}}}``.

    Raises:
        UserError: naming the row whose gold answer falls short, or the policy that is paid in full.
    """
    task = load_task(config.task, config.task_settings)
    data: dict[str, Any] = {}
    examples: list[Example] = []
    for path in sorted(files):
        rows = [Example.from_row(row) for row in read_jsonl(path)]
        if not rows:
            raise UserError(f"{path} holds no rows.", "Check the study's data.ranges.")
        data[path.name] = {"sha256": sha256_file(path), "rows": len(rows)}
        examples.extend(rows)
    for example in examples:
        task.validate(example)
    # Without a table (a study of SFT alone) every component still has to be reachable.
    tables = config.rewards or {"all": {name: 1.0 for name in task.reward_outcomes}}
    return {"data": data, "tables": {name: _judge_table(task, examples, name, tables[name]) for name in sorted(tables)}}


def _judge_table(task: Task, examples: list[Example], name: str, weights: dict[str, float]) -> dict[str, Any]:
    for unknown in check_table(task, weights):
        raise UserError(
            f"Reward table '{name}' weighs '{unknown}', which task '{task.name}' does not offer.",
            f"Use {', '.join(task.reward_outcomes)}.",
        )
    best = maximum(weights)
    sums: dict[str, float] = {}
    for example in examples:
        verdict = task.judge(example, task.gold_completion(example))
        if not verdict.scorable or total(verdict, weights) != best:
            raise UserError(
                f"Row '{example.id}': its gold answer earns {total(verdict, weights):g} of {best:g} "
                f"under table '{name}' ({verdict.why or 'unscorable'}).",
                "Mend the row or the task: what SFT teaches must be what the rewards pay.",
            )
        for policy, text in task.policies(example).items():
            sums[policy] = sums.get(policy, 0.0) + total(task.judge(example, text), weights)
    means = {policy: value / len(examples) for policy, value in sorted(sums.items())}
    for policy, mean in means.items():
        if mean >= best:
            raise UserError(
                f"The policy '{policy}' earns {mean:g} of {best:g} under table '{name}' without knowing anything.",
                "Mend the table or the data: training on it would teach that policy.",
            )
    return {"weights": weights, "maximum": best, "policies": means}


def check_gate(
    gate: Mapping[str, Any], file: str, data_sha256: str, split: str, weights: Mapping[str, float] | None
) -> None:
    """Refuse to train on data or with a reward table that the gate has not passed."""
    if data_sha256 not in {entry["sha256"] for entry in gate["data"].values()}:
        raise UserError(
            f"{file} was not made from this {split} (sha256 {data_sha256[:12]}).",
            "Run check_rewards on the data first; snakemake does.",
        )
    if weights is not None and dict(weights) not in [table["weights"] for table in gate["tables"].values()]:
        raise UserError(
            f"{file} has not passed the reward table {dict(weights)}.",
            "Run check_rewards with this table first; snakemake does.",
        )

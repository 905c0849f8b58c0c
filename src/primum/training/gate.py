"""The gate before training: gold answers earn full marks on every row, and no policy that knows nothing or cheats does.

For a task that may abstain, honest answers are two: the right one, and admitting not to know. Three things must hold
under every table, on every row, for each of the task's policies where it is not right:

* ``gold``: it earns less than the gold answer;
* ``abstention``: it earns less than an honest abstention (else guessing pays at least as well as saying so);
* ``paid``: if it asserts something (``confident_error``), it earns nothing.

A task without abstention has only the first, in the mean. Tables that a study lists as exploitable are reported, and
not refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from primum.errors import UserError
from primum.files import read_jsonl, sha256_file
from primum.rewards import check_signs, check_table, total
from primum.strict import Strict
from primum.tasks import load_task
from primum.tasks.base import Example, Task, Verdict

CRITERIA = {
    "gold": "earns as much as the gold answer without being right",
    "abstention": "earns as much as an honest abstention without being right",
    "paid": "is paid for an assertion that is not right",
}
Judged = list[tuple[Example, Verdict, Verdict | None, dict[str, Verdict]]]  # gold, honest abstention, policies


class RewardsConfig(Strict):
    """``--config`` of ``scripts/check_rewards.py``."""

    study: str
    task: str
    task_settings: dict[str, Any]
    rewards: dict[str, dict[str, float]]
    exploitable: list[str] = Field(default_factory=list)


def build_gate(config: RewardsConfig, files: list[Path]) -> dict[str, Any]:
    """Judge gold answers and cheap policies on every row of every file under every reward table.

    Returns:
        ``{"data": {file name: {"sha256", "rows"}}, "tables": {name: {"weights", "maximum", "honest", "abstention",
        "policies": {policy: mean}, "exploits": [...], "refused": bool}}}``. ``maximum`` and ``least`` are the most
        and least that a gold answer earns, ``honest`` the mean of the gold answers, ``abstention`` that of honest
        abstentions (None without).

    Raises:
        UserError: naming the row whose gold answer falls short, or the policy that is paid like an honest answer.
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
    judged = [_judge(task, example) for example in examples]
    # Without a table (a study of SFT alone) every component still has to be reachable.
    tables = config.rewards or {"all": {name: 1.0 for name in task.reward_outcomes}}
    found = {name: _judge_table(task, judged, name, tables[name]) for name in sorted(tables)}
    for name, table in found.items():
        if table["exploits"] and name not in config.exploitable:
            worst = table["exploits"][0]
            raise UserError(
                f"Table '{name}': the policy '{worst['policy']}' {CRITERIA[worst['criterion']]}, on "
                f"{worst['rows']} row(s), "
                f"for instance '{worst['example']}' ({worst['earned']:g} against {worst['against']:g}).",
                "Mend the table or the data: training on it would teach that policy. A table kept for "
                "comparison is listed in exploitable_rewards.",
            )
    return {"data": data, "tables": found}


def _judge(task: Task, example: Example) -> tuple[Example, Verdict, Verdict | None, dict[str, Verdict]]:
    task.validate(example)
    gold = task.judge(example, task.gold_completion(example))
    held = {name for name in task.reward_outcomes if gold.outcomes[name]}
    if not gold.scorable or held != task.expected(example):
        wrong = ", ".join(sorted(held ^ task.expected(example))) or "unscorable"
        raise UserError(
            f"Row '{example.id}': its gold answer is not judged right ({gold.why or wrong}).",
            "Mend the row or the task: what SFT teaches must be what the rewards pay.",
        )
    honest = task.abstention(example)
    policies = {name: task.judge(example, text) for name, text in sorted(task.policies(example).items())}
    return example, gold, None if honest is None else task.judge(example, honest), policies


def _judge_table(task: Task, judged: Judged, name: str, weights: dict[str, float]) -> dict[str, Any]:
    for unknown in check_table(task, weights):
        raise UserError(
            f"Reward table '{name}' weighs '{unknown}', which task '{task.name}' does not offer.",
            f"Use {', '.join(task.reward_outcomes)}.",
        )
    for wrong in check_signs(task, weights):
        raise UserError(f"Reward table '{name}': {wrong}.", "Mend its sign or its value.")
    golds = [total(gold, weights) for _, gold, _, _ in judged]
    modest = [total(honest, weights) for _, _, honest, _ in judged if honest is not None]
    sums: dict[str, float] = {}
    exploits: dict[tuple[str, str], dict[str, Any]] = {}
    for (example, _, honest, policies), best in zip(judged, golds, strict=True):
        for policy, verdict in policies.items():
            earned = total(verdict, weights)
            sums[policy] = sums.get(policy, 0.0) + earned
            if honest is None or verdict.outcomes["right"]:
                continue
            bounds = {"gold": best, "abstention": total(honest, weights)}
            if verdict.outcomes.get("abstained"):
                del bounds["abstention"]  # it is one
            if verdict.outcomes.get("confident_error") and earned > 0:
                bounds["paid"] = 0.0
            for criterion, bound in bounds.items():
                if earned >= bound:
                    entry = {
                        "policy": policy,
                        "criterion": criterion,
                        "rows": 0,
                        "example": example.id,
                        "earned": earned,
                        "against": bound,
                    }
                    exploits.setdefault((policy, criterion), entry)["rows"] += 1
    honest_mean = sum(golds) / len(golds)
    means = {policy: value / len(judged) for policy, value in sorted(sums.items())}
    for policy, mean in means.items():
        if mean >= honest_mean:
            exploits.setdefault(
                (policy, "gold"),
                {
                    "policy": policy,
                    "criterion": "gold",
                    "rows": len(judged),
                    "example": "the mean",
                    "earned": mean,
                    "against": honest_mean,
                },
            )
    return {
        "weights": weights,
        "maximum": max(golds),
        "least": min(golds),
        "honest": honest_mean,
        "abstention": sum(modest) / len(modest) if modest else None,
        "policies": means,
        "exploits": [exploits[key] for key in sorted(exploits)],
    }


def check_gate(
    gate: Mapping[str, Any], file: str, data_sha256: str, split: str, weights: Mapping[str, float] | None
) -> float | None:
    """Refuse to train on data or with a reward table that the gate has not passed.

    Returns:
        The least that a gold answer of any row earns under the table; None without one.
    """
    if data_sha256 not in {entry["sha256"] for entry in gate["data"].values()}:
        raise UserError(
            f"{file} was not made from this {split} (sha256 {data_sha256[:12]}).",
            "Run check_rewards on the data first; snakemake does.",
        )
    if weights is None:
        return None
    for table in gate["tables"].values():
        if table["weights"] == dict(weights):
            return float(table["least"])
    raise UserError(
        f"{file} has not passed the reward table {dict(weights)}.",
        "Run check_rewards with this table first; snakemake does.",
    )

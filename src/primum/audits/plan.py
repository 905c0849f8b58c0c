"""What the rules of the audits need to know, asked of the plan of the run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from primum.evaluation.read import StageNode
from primum.evaluation.tree import Tree
from primum.files import dumps
from primum.stages import BASE_STAGE, GrpoStage

if TYPE_CHECKING:
    from primum.plan import Plan

# Bases that learned from the statements of a bank, and the bank; what other bases read is not at hand.
PRETRAINED_ON = {"tiny-qwen3": "resources/medmcqa"}


def swaps_config(plan: Plan, study: str) -> str:
    """For ``write_swaps``."""
    resolved = plan.studies[study]
    return dumps({"study": study, "task": resolved.task, "task_settings": resolved.task_settings})


def audit_config(plan: Plan, study: str) -> str:
    """For ``audit_study``: what ``compare_stages`` is told, and what audits alone ask."""
    resolved = plan.studies[study]
    nodes = {stage: resolved.stages[stage] for stage in plan.stages(study)[1:]}
    tables = {stage: node.rewards for stage, node in nodes.items() if isinstance(node, GrpoStage)}
    return dumps(
        json.loads(plan.compare_config(study))
        | {
            "training_tables": tables,
            "swapped": swapped_stages(plan, study),
            "pretraining": PRETRAINED_ON.get(resolved.base or ""),
        }
    )


def pretraining_files(plan: Plan, study: str) -> list[str]:
    """The bank that the study's base learned from, for the rule to depend on."""
    folder = PRETRAINED_ON.get(plan.studies[study].base or "")
    return [f"{folder}/{name}" for name in ("facts.tsv", "relations.yaml")] if folder else []


def swapped_stages(plan: Plan, study: str) -> list[str]:
    """Stages that answer rows with swapped patients: the base, the supervised stages that arms end from, the ends."""
    nodes = json.loads(plan.compare_config(study))["stages"]
    tree = Tree([StageNode(**node) for node in nodes])
    ends = tree.ends()
    kept = {
        BASE_STAGE,
        *ends,
        *(name for end in ends for name in tree.lineage(end) if tree.nodes[name].method == "sft"),
    }
    return [stage for stage in plan.stages(study) if stage in kept]


def asked_split(plan: Plan, study: str) -> str:
    """The split whose patients are swapped: the one that claims are made on."""
    return plan.split_file(study, plan.studies[study].evaluation.splits[0])


def swapped_evaluations(plan: Plan, study: str, rows: str) -> list[str]:
    """Predictions and scores of every stage that answers rows with swapped patients, of its first seed.

    Args:
        plan: the run's.
        study: a trained one.
        rows: ``swapped.jsonl``, written before this is asked; where it is empty there is nothing to predict.
    """
    if not (plan.root / rows).stat().st_size:
        return []
    folder = f"{plan.study_folder(study)}/audits/{plan.backend(study)}"
    runs = [f"{folder}/{stage}/seed{plan.seeds(stage)[0]}" for stage in swapped_stages(plan, study)]
    return [f"{run}/{file}" for run in runs for file in ("predictions.jsonl", "scores.jsonl")]

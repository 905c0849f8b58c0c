"""What the rules of deployments need to know, asked of the plan of the run."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from primum.errors import UserError
from primum.files import dumps
from primum.tasks import load_task

if TYPE_CHECKING:
    from primum.config import Study
    from primum.plan import Plan


def check_deployments(name: str, study: Study) -> None:
    """Refuse prompts that the task cannot use, and a layer that it does not have."""
    for deployment, node in study.deployments.items():
        task = load_task(study.task, study.task_settings | node.task_settings)
        if node.layer and task.layer("") is None:
            raise UserError(
                f"study '{name}': deployments.{deployment}: task '{study.task}' has no safety layer.",
                "Take it out, or write the task's 'layer'.",
            )


def deployed(plan: Plan) -> list[str]:
    """Trained studies that have deployments."""
    return [study for study in plan.trained if plan.studies[study].deployments]


def names(plan: Plan, layer: bool) -> str:
    """A pattern of the deployments of all studies: those with a layer, or those with a prompt of their own."""
    nodes = [item for study in deployed(plan) for item in plan.studies[study].deployments.items()]
    return "|".join(sorted({re.escape(name) for name, node in nodes if node.layer == layer})) or "-"


def source_of(plan: Plan, study: str, name: str, seed: str, split: str) -> str:
    """The predictions that a layer is put on."""
    of = plan.studies[study].deployments[name].of
    return f"{plan.answers_folder(study, of, seed, split)}/predictions.jsonl"


def predict_config(plan: Plan, study: str, name: str, seed: str, split: str) -> str:
    """For ``predict``: the stage's, with the deployment's prompt."""
    resolved = plan.studies[study]
    config = json.loads(plan.predict_config(study, plan.model_of(study, name), seed, split))
    return dumps(config | {"task_settings": config["task_settings"] | resolved.deployments[name].task_settings})


def layer_config(plan: Plan, study: str) -> str:
    """For ``apply_layer``."""
    resolved = plan.studies[study]
    return dumps({"study": study, "task": resolved.task, "task_settings": resolved.task_settings})


def compare_config(plan: Plan, study: str) -> str:
    """For ``compare_deployments``: what ``compare_stages`` is told, and the deployments."""
    resolved = plan.studies[study]
    nodes: list[dict[str, Any]] = [
        {"name": name, "of": node.of, "stage": plan.model_of(study, name), "layer": node.layer}
        for name, node in resolved.deployments.items()
    ]
    config = json.loads(plan.compare_config(study))
    return dumps(config | {"deployments": nodes})

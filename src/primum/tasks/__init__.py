"""Tasks: one module each. The only code that parses model output."""

from __future__ import annotations

import importlib
from typing import Any

from primum.errors import UserError
from primum.tasks.base import Task


def load_task(name: str, settings: dict[str, Any]) -> Task:
    """Import ``primum.tasks.<name>`` and build its ``TASK`` with the study's task settings.

    Loaded by name, so that a rule depends on its own task module and no other.
    """
    try:
        module = importlib.import_module(f"primum.tasks.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"primum.tasks.{name}":
            raise
        raise UserError(
            f"Task '{name}' has no module.", f"Write src/primum/tasks/{name}.py or mend the study's 'task'."
        ) from None
    return module.TASK(settings)

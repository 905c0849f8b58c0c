"""TRL's step: :mod:`primum.training.trl` itself, which samples fixed completions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

from primum.parity.cases import Case, next_answers
from primum.parity.probe import Step, backend_step
from primum.training import trl, trl_grpo
from primum.training.base import Inputs


def unsupported(root: Path, base: dict[str, Any]) -> str:
    """Why the backend cannot train this base; empty if it can."""
    return ""


def steps(case: Case, inputs: Inputs) -> dict[str, Step]:
    """Loss and gradient of the step."""

    def sample(model: Any, tokenizer: Any, prompts: Sequence[Sequence[int]], *_: Any) -> list[list[int]]:
        return next_answers(case, prompts)

    return backend_step(trl, case, inputs, patch.object(trl_grpo, "sample", sample))

"""Tunix' step: :mod:`primum.training.tunix` itself, whose rollout gives fixed completions."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

from primum.errors import UserError
from primum.parity.cases import Case, next_answers
from primum.parity.probe import Step, backend_step
from primum.training import tunix
from primum.training.base import Inputs


def unsupported(root: Path, base: dict[str, Any]) -> str:
    """Why the backend cannot train this base; empty if it can."""
    from primum.training.tunix_model import architecture

    try:
        architecture(root / base["path"])
    except UserError as error:
        return error.message
    return ""


def steps(case: Case, inputs: Inputs) -> dict[str, Step]:
    """Loss and gradient of the step."""
    tunix.start_jax(inputs.root, case.job.mesh, case.job.threads, bf16=False)
    return backend_step(tunix, case, inputs, _answering(case) if case.answers else nullcontext())


def _answering(case: Case) -> Any:
    import numpy as np
    from tunix.rl.rollout.base_rollout import RolloutOutput

    from primum.training import tunix_grpo

    def generate(self: Any, prompts: list[str], rollout_config: Any, **_: Any) -> RolloutOutput:
        asked = [case.prompts[int(row)] for row in prompts]
        answers = next_answers(case, asked)
        padded = np.full((len(asked), rollout_config.max_prompt_length), self.pad_id(), np.int32)
        for line, prompt in zip(padded, asked, strict=True):
            line[-len(prompt) :] = prompt
        return RolloutOutput(
            text=[tunix_grpo.decode(self.text_tokenizer, answer) for answer in answers],
            logits=None,
            tokens=[np.array(answer, np.int32) for answer in answers],
            left_padded_prompt_tokens=padded,
            logprobs=None,
        )

    return patch.object(tunix_grpo.Rollout, "generate", generate)

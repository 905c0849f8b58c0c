"""Guards while training: each stops a run that would cost time and teach nothing, in one clear line."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from primum.config import Guards
from primum.errors import UserError
from primum.tasks.base import Example, Task

if TYPE_CHECKING:
    import torch


def check_sampled(task: Task, examples: Sequence[Example], texts: Sequence[str], guards: Guards) -> float:
    """Refuse GRPO when too few *sampled* completions have the outcome that rewards build on (greedy ones hide this).

    Args:
        task: the judge.
        examples: the prompts' rows.
        texts: one sampled completion a row.
        guards: outcome and minimum.

    Returns:
        The rate of ``guards.sampled_outcome``.
    """
    verdicts = [task.judge(example, text) for example, text in zip(examples, texts, strict=True)]
    passed = [verdict.outcomes[guards.sampled_outcome] for verdict in verdicts]
    rate = sum(passed) / len(passed)
    if rate < guards.min_sampled_schema_rate:
        failed = [f"{text[:80]!r} ({v.why})" for text, v, ok in zip(texts, verdicts, passed, strict=True) if not ok][:3]
        raise UserError(
            f"Only {sum(passed)} of {len(passed)} sampled completions are {guards.sampled_outcome}, "
            f"the minimum is {guards.min_sampled_schema_rate:.0%}; sampled: {', '.join(failed)}.",
            "Train the parent stage longer, or lower the stage's temperature or guards.min_sampled_schema_rate.",
        )
    return rate


def check_log(history: Sequence[Mapping[str, Any]], guards: Guards, best: float | None = None) -> None:
    """Stop on a loss that is no number, or when all rewards were equal for too many logged steps in a row.

    Args:
        history: the trainer's log so far. It is saved with every checkpoint, so a resumed run counts on.
        guards: how many equal steps are too many.
        best: what gold answers earn at least; a policy that always earns it may go on.
    """
    last = history[-1]
    for key in ("loss", "grad_norm"):
        if key in last and not math.isfinite(last[key]):
            raise UserError(
                f"Step {last['step']}: {key} is {last[key]}.",
                "Lower the learning rate, or look at the data of that step.",
            )
    shares = [entry["frac_reward_zero_std"] for entry in history if "frac_reward_zero_std" in entry]
    window = shares[-guards.max_equal_reward_steps :]
    rewards = [entry["reward"] for entry in history if "frac_reward_zero_std" in entry][-len(window) :]
    solved = best is not None and window and min(rewards, default=0.0) >= best  # always paid in full: done, not stuck
    if len(window) == guards.max_equal_reward_steps and min(window) >= 1.0 and not solved:
        raise UserError(
            f"Step {last['step']}: all rewards of every prompt were equal for {len(window)} logged steps in a row "
            f"(mean reward {last.get('reward', float('nan')):g}): GRPO has nothing to learn from.",
            "See whether the reward is never paid, or always, and mend the parent stage or the table.",
        )


def snapshot(parameters: Iterable[tuple[str, torch.nn.Parameter]]) -> dict[str, torch.Tensor]:
    """Copies of the trainable weights, for :func:`check_changed`."""
    copies = {name: parameter.detach().cpu().clone() for name, parameter in parameters if parameter.requires_grad}
    if not copies:
        raise UserError(
            "No weight is trainable.", "Load the adapter with is_trainable=True: training it would change nothing."
        )
    return copies


def check_changed(before: Mapping[str, torch.Tensor], parameters: Iterable[tuple[str, torch.nn.Parameter]]) -> None:
    """Refuse a result in which no trainable weight has moved, or one is no number."""
    import torch

    after = dict(parameters)
    for name in before:
        if not torch.isfinite(after[name]).all():
            raise UserError(f"After training, {name} holds values that are no numbers.", "Lower the learning rate.")
    if all(torch.equal(value, after[name].detach().cpu()) for name, value in before.items()):
        raise UserError(
            "Training changed no weight.", "Check the learning rate, and that rewards or losses are not all zero."
        )


def check_base(model: Any, folder: Path, base_id: str) -> None:
    """The weights below the adapter must be, bit by bit, the base on record.

    This is what a parent adapter merged in memory breaks: the merged weights still call themselves by the base's name,
    and an adapter trained on them is worthless on the true base.

    Args:
        model: a PEFT model.
        folder: the base's folder with its ``*.safetensors``.
        base_id: for the message.
    """
    import torch
    from safetensors import safe_open

    mine = {name.replace(".base_layer.", "."): tensor for name, tensor in model.get_base_model().state_dict().items()}
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, framework="pt") as stored:
            for name in sorted(stored.keys()):
                tensor = mine.get(name)
                if tensor is None or not torch.equal(tensor.cpu(), stored.get_tensor(name).to(tensor.dtype)):
                    raise UserError(
                        f"The adapter does not stand on base '{base_id}': weight '{name}' is not the one on record.",
                        "Continue the parent's adapter on the true base; never merge it before training.",
                    )

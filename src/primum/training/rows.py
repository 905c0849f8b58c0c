"""Rows of a split as token ids: the prompts that evaluation will show, and the turns that SFT teaches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from primum.errors import UserError
from primum.tasks.base import Example, Task
from primum.training.loading import encode, render_prompt, stop_ids

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class Taught:
    """A row for SFT.

    Attributes:
        input_ids: prompt, gold completion, end token.
        labels: the same, with -100 where the prompt is: the loss is the completion's alone.
        truncated: whether the prompt was cut.
    """

    input_ids: list[int]
    labels: list[int]
    truncated: bool


def prompt_ids(
    tokenizer: PreTrainedTokenizerBase, task: Task, examples: Sequence[Example], thinking: bool, limit: int
) -> tuple[list[list[int]], int]:
    """Prompts as token ids, cut on the left to ``limit`` tokens, and how many were cut."""
    encoded = [encode(tokenizer, render_prompt(tokenizer, task.messages(example), thinking)) for example in examples]
    return [ids[-limit:] for ids in encoded], sum(len(ids) > limit for ids in encoded)


def taught_rows(
    tokenizer: PreTrainedTokenizerBase, task: Task, examples: Sequence[Example], thinking: bool, max_length: int
) -> list[Taught]:
    """Rows for SFT. A row too long loses the beginning of its prompt, never a part of its completion.

    Raises:
        UserError: if a completion alone does not fit, or the template does not end a turn with the end token.
    """
    end = stop_ids(tokenizer)[0]
    made = []
    for example in examples:
        prompt = encode(tokenizer, render_prompt(tokenizer, task.messages(example), thinking))
        completion = [*encode(tokenizer, task.gold_completion(example)), end]
        room = max_length - len(completion)
        if room < 1:
            raise UserError(
                f"Row '{example.id}': its completion has {len(completion)} tokens, max_length is {max_length}.",
                "Raise the stage's max_length, or shorten the completions (task_settings).",
            )
        kept = prompt[-room:]
        made.append(Taught(kept + completion, [-100] * len(kept) + completion, len(kept) < len(prompt)))
    return made

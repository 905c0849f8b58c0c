"""Predictions of one stage on one split: greedy completions and letter log-likelihoods, options rotated where asked."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from primum.errors import UserError
from primum.evaluation.generate import Generated, continuations, generate_batch
from primum.files import read_json
from primum.stages import BASE_STAGE
from primum.strict import Identifier, Strict
from primum.tasks import load_task
from primum.tasks.base import Choices, Example, Task
from primum.training.loading import CHECKPOINT, encode, load_model, render_prompt, use_threads

# Log-likelihoods are written to this many decimals: float32 sums are not worth more.
DECIMALS = 5


class PredictConfig(Strict):
    """What ``scripts/predict.py`` is told."""

    study: Identifier
    stage: Identifier
    seed: Annotated[int, Field(ge=0)]
    split: Identifier
    task: str
    task_settings: dict[str, Any]
    thinking: bool
    threads: Annotated[int, Field(gt=0)]
    max_new_tokens: Annotated[int, Field(gt=0)]
    batch_size: Annotated[int, Field(gt=0)]
    permutations: Annotated[int, Field(ge=0)]  # extra passes with the options rotated by 1, 2, ...
    bf16: bool


@dataclass(frozen=True, slots=True)
class Job:
    """One prompt to complete: an example with its options rotated by ``shift``."""

    example: Example
    shift: int
    prompt: tuple[int, ...]
    choices: Choices | None


def predict(
    config: PredictConfig, root: Path, base: dict[str, Any], checkpoint: Path | None, rows: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Predict every row, unrotated first, in row order.

    Args:
        config: what to do.
        root: the project's folder.
        base: content of ``base.json``.
        checkpoint: the stage's folder, or None for the bare base.
        rows: lines of the split.

    Returns:
        Lines ``{id, shift, completion, tokens, finished, letter_logprobs}``: all rows at shift 0, then at shift 1, ...

    Raises:
        UserError: if the checkpoint is not that of the stage and seed asked for, or not of this base.
    """
    _check_stage(config, checkpoint)
    use_threads(config.threads)
    model, tokenizer = load_model(root, base, checkpoint, bf16=config.bf16)
    if checkpoint is not None and model.dtype.itemsize == 4:
        model = model.merge_and_unload()  # a third of the time a token; float32 weights change by rounding alone
    task = load_task(config.task, config.task_settings)
    jobs = list(_jobs(task, tokenizer, rows, config))
    progress = Progress(config, task, len(jobs))
    done: dict[int, dict[str, Any]] = {}
    for choices, indices in _batches(jobs, config.batch_size):
        letters = continuations(tokenizer, choices) if choices else {}
        generated = generate_batch(model, tokenizer, [jobs[i].prompt for i in indices], letters, config.max_new_tokens)
        for index, result in zip(indices, generated, strict=True):
            done[index] = _line(jobs[index], result)
        progress.add([(jobs[i].example, done[i]["completion"]) for i in indices])
    return [done[index] for index in range(len(jobs))]


def _check_stage(config: PredictConfig, checkpoint: Path | None) -> None:
    """Predictions must not carry another stage's name: the published GRPO was evaluated as its base, unnoticed."""
    found: tuple[str, int] = (BASE_STAGE, config.seed)
    if checkpoint is not None:
        record = read_json(checkpoint / CHECKPOINT)
        found = (record["stage"], record["seed"])
    if found != (config.stage, config.seed):
        raise UserError(
            f"Asked for stage '{config.stage}' seed {config.seed}, but given {found[0]} seed {found[1]}.",
            "Give --checkpoint the folder of that stage and seed; the bare base is stage 'base'.",
        )


def _jobs(task: Task, tokenizer: Any, rows: list[dict[str, Any]], config: PredictConfig) -> Iterator[Job]:
    for shift in range(config.permutations + 1):
        for row in rows:
            example: Example | None = Example.from_row(row)
            if shift:
                example = task.permute(Example.from_row(row), shift)
            if example is not None:
                prompt = encode(tokenizer, render_prompt(tokenizer, task.messages(example), config.thinking))
                yield Job(example, shift, tuple(prompt), task.choices(example))


def _batches(jobs: list[Job], size: int) -> Iterator[tuple[Choices | None, list[int]]]:
    """Indices of jobs with the same candidates and about the same length, the longest first: memory fails early."""
    order = sorted(range(len(jobs)), key=lambda i: (str(jobs[i].choices), -len(jobs[i].prompt), i))
    for _, group in groupby(order, key=lambda i: str(jobs[i].choices)):
        indices = list(group)
        for start in range(0, len(indices), size):
            batch = indices[start : start + size]
            yield jobs[batch[0]].choices, batch


def _line(job: Job, result: Generated) -> dict[str, Any]:
    return {
        "id": job.example.id,
        "shift": job.shift,
        "completion": result.completion,
        "tokens": result.tokens,
        "finished": result.finished,
        "letter_logprobs": {letter: round(value, DECIMALS) for letter, value in result.letter_logprobs.items()},
    }


class Progress:
    """Lines on stderr for a person watching: how far, how good so far, how long still."""

    def __init__(self, config: PredictConfig, task: Task, total: int) -> None:
        self.label = f"[{config.study} predict {config.stage} {config.split}]"
        self.task, self.total = task, total
        self.done = self.hits = 0
        self.start = self.last = time.monotonic()

    def add(self, judged: list[tuple[Example, str]]) -> None:
        """Count a batch; print at most every two seconds, and at the end."""
        headline = self.task.metrics[0]
        self.done += len(judged)
        self.hits += sum(self.task.judge(example, text).outcomes[headline.of] for example, text in judged)
        now = time.monotonic()
        if self.done == self.total or now - self.last >= 2:
            self.last = now
            left = (now - self.start) / self.done * (self.total - self.done)
            share = 100 * self.hits / self.done
            print(
                f"{self.label} {self.done}/{self.total}  {headline.of} so far {share:.1f} %  {left:.0f} s left",
                file=sys.stderr,
                flush=True,
            )

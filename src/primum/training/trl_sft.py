"""SFT by ``trl.SFTTrainer``: rows tokenised by us, loss on completions alone, batches of like lengths."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from primum.training.base import Inputs, TrainJob, load_job_task
from primum.training.rows import taught_rows
from primum.training.trl import common_arguments

if TYPE_CHECKING:
    from trl import SFTTrainer

# Batches sorted by length within this many of them: little padding, and still a random order.
_WINDOW = 8


def sft_trainer(job: TrainJob, inputs: Inputs, model: Any, tokenizer: Any) -> tuple[SFTTrainer, dict[str, Any]]:
    """The trainer, and facts for the log: rows and how many prompts were cut."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    stage = job.stage
    rows = taught_rows(tokenizer, load_job_task(job), inputs.examples, job.thinking, stage.max_length)
    batch = stage.per_device_train_batch_size * stage.gradient_accumulation_steps
    order = batch_plan([len(row.input_ids) for row in rows], batch, stage.max_steps, job.seed)
    data = Dataset.from_list([{"input_ids": row.input_ids, "labels": row.labels} for row in rows])
    arguments = SFTConfig(
        **common_arguments(job, inputs),
        per_device_train_batch_size=stage.per_device_train_batch_size,
        max_length=None,  # rows are cut already, on the side that may be cut
        packing=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        train_sampling_strategy="sequential",
    )
    trainer = SFTTrainer(model=model, args=arguments, train_dataset=data.select(order), processing_class=tokenizer)
    return trainer, {"rows": len(rows), "truncated_rows": sum(row.truncated for row in rows)}


def batch_plan(lengths: Sequence[int], batch: int, steps: int, seed: int) -> list[int]:
    """Row numbers in the order of training: ``steps`` batches, each of rows about equally long.

    Each pass over the rows is a fresh shuffle; it may end within a batch, and the next goes on from there, so no row is
    left out. The whole order follows from the seed, so a resumed run needs no sampler's state.
    """
    rng = random.Random(seed)
    stream: list[int] = []
    while len(stream) < steps * batch:
        stream += rng.sample(range(len(lengths)), len(lengths))
    plan: list[int] = []
    for start in range(0, steps * batch, _WINDOW * batch):
        window = sorted(stream[start : min(start + _WINDOW * batch, steps * batch)], key=lambda row: lengths[row])
        batches = [window[at : at + batch] for at in range(0, len(window), batch)]
        rng.shuffle(batches)
        plan += [row for rows in batches for row in rows]
    return plan

"""SFT by ``trl.SFTTrainer``: rows tokenised by us, loss on completions alone, batches of like lengths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from primum.training.base import Inputs, TrainJob, load_job_task
from primum.training.order import batch_plan
from primum.training.rows import taught_rows
from primum.training.trl import common_arguments

if TYPE_CHECKING:
    from trl import SFTTrainer


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

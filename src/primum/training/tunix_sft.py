"""SFT by ``tunix.sft.peft_trainer.PeftTrainer``: the same rows and batches as under TRL, loss on completions alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
from flax import nnx

from primum.training.base import Inputs, TrainJob, load_job_task
from primum.training.order import batch_plan
from primum.training.rows import Taught, taught_rows
from primum.training.tunix_steps import Steps, make_optimizer

_MULTIPLE = 16  # of tokens: rows are padded to one width, since each width is a program to compile


def completion_loss(
    model: nnx.Module,
    input_tokens: jax.Array,
    target_mask: jax.Array,
    positions: jax.Array,
    attention_mask: jax.Array,
    share: jax.Array,
) -> jax.Array:
    """Sum of the completions' negative log-likelihoods over ``share``.

    ``share`` is the step's number of completion tokens over its micro-batches, so that the mean of the micro-batches'
    losses and gradients is the mean over the step's tokens, as under TRL, however tokens fall into micro-batches.

    Args:
        model: the policy.
        input_tokens: (rows, width).
        target_mask: 1 where a token is learned, (rows, width).
        positions: (rows, width).
        attention_mask: (rows, width, width).
        share: scalar.
    """
    from tunix.rl.common import selective_log_softmax

    logits, _ = model(input_tokens, positions, None, attention_mask)
    logps = selective_log_softmax(logits[:, :-1], input_tokens[:, 1:])
    return -(logps * target_mask[:, 1:]).sum() / share


def model_input(batch: dict[str, Any]) -> dict[str, Any]:
    """What :func:`completion_loss` takes, from a batch of :func:`batches`."""
    from tunix.sft.utils import build_positions_from_mask, make_causal_attn_mask

    mask = batch["real"]
    return {
        "input_tokens": batch["input_tokens"],
        "target_mask": batch["target_mask"],
        "positions": build_positions_from_mask(mask),
        "attention_mask": make_causal_attn_mask(mask),
        "share": batch["share"],
    }


def batches(rows: list[Taught], order: list[int], size: int, accumulate: int, pad: int) -> Iterator[dict[str, Any]]:
    """Micro-batches of ``size`` rows in the order of training, padded on the right."""
    width = -(-max(len(row.input_ids) for row in rows) // _MULTIPLE) * _MULTIPLE
    for start in range(0, len(order), size * accumulate):
        step = order[start : start + size * accumulate]
        learned = sum(label != -100 for number in step for label in rows[number].labels[1:])
        for at in range(0, len(step), size):
            chosen = [rows[number] for number in step[at : at + size]]
            lengths = np.array([len(row.input_ids) for row in chosen])
            tokens = np.full((size, width), pad, np.int32)
            targets = np.zeros((size, width), np.float32)
            for line, row in enumerate(chosen):
                tokens[line, : len(row.input_ids)] = row.input_ids
                targets[line, : len(row.labels)] = np.array(row.labels) != -100
            yield {
                "input_tokens": tokens,
                "target_mask": targets,
                "real": np.arange(width)[None] < lengths[:, None],
                "share": np.float32(learned / accumulate),
            }


def train_sft(
    job: TrainJob, inputs: Inputs, model: nnx.Module, tokenizer: Any, mesh: Any, steps: Steps
) -> dict[str, Any]:
    """Train, from ``steps.done`` on; facts for the log: rows and how many prompts were cut."""
    from tunix.sft.peft_trainer import PeftTrainer, TrainingConfig

    stage = job.stage
    size, accumulate = stage.per_device_train_batch_size, stage.gradient_accumulation_steps
    rows = taught_rows(tokenizer, load_job_task(job), inputs.examples, job.thinking, stage.max_length)
    order = batch_plan([len(row.input_ids) for row in rows], size * accumulate, stage.max_steps, job.seed)
    config = TrainingConfig(
        eval_every_n_steps=stage.max_steps + 1,
        max_steps=stage.max_steps,
        gradient_accumulation_steps=accumulate if accumulate > 1 else None,
        max_inflight_computations=1,
    )
    trainer = PeftTrainer(model, make_optimizer(stage), config)
    trainer.with_loss_fn(completion_loss).with_gen_model_input_fn(model_input)
    steps.attach(trainer, accumulate)
    if steps.done < stage.max_steps:
        trainer.train(batches(rows, order, size, accumulate, tokenizer.pad_token_id))
    return {"rows": len(rows), "truncated_rows": sum(row.truncated for row in rows)}

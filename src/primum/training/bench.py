"""How fast SFT and GRPO train, side by side with TRL's defaults doing the same work in the same process."""

from __future__ import annotations

import io
import shutil
import time
from collections.abc import Callable
from contextlib import nullcontext, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from primum.files import read_jsonl
from primum.tasks.base import Example
from primum.training.base import Inputs, TrainJob, load_job_task
from primum.training.loading import load_model, load_tokenizer
from primum.training.rows import taught_rows
from primum.training.trl import fit, fresh_adapter, score_completions_only
from primum.training.trl_grpo import grpo_trainer
from primum.training.trl_sft import sft_trainer

_WARM = 2  # first steps, not counted
_PLAIN = {"bf16": False, "gradient_checkpointing": False}


@dataclass(frozen=True, slots=True)
class Work:
    """What both sides do: a job's data, batch sizes, lengths, adapter and learning rate."""

    job: TrainJob
    inputs: Inputs

    def longer(self, steps: int) -> TrainJob:
        """The job with ``steps`` steps after the uncounted ones, and nothing saved before its end."""
        total = steps + _WARM
        return self.job.model_copy(
            update={"stage": self.job.stage.model_copy(update={"max_steps": total, "save_steps": 2 * total})}
        )

    def model(self) -> tuple[Any, Any]:
        """The same model on both sides: the parent's adapter, or a fresh one, on the base in float32."""
        model, tokenizer = load_model(self.inputs.root, self.inputs.base, self.inputs.parent, trainable=True)
        return (fresh_adapter(self.job, model) if self.inputs.parent is None else model), tokenizer


def work(job: TrainJob, root: Path, base: dict[str, Any], data: Path, parent: Path | None, scratch: Path) -> Work:
    """Gather a job's work; ``scratch`` takes what the trainers save."""
    examples = [Example.from_row(row) for row in read_jsonl(data)]
    return Work(job, Inputs(root, base, parent, parent, None, None, examples, scratch))


def tokens_a_step(work: Work) -> float:
    """Mean tokens (prompt and completion, no padding) in one SFT step."""
    tokenizer = load_tokenizer(work.inputs.base, work.inputs.root)
    rows = taught_rows(
        tokenizer, load_job_task(work.job), work.inputs.examples, work.job.thinking, work.job.stage.max_length
    )
    batch = work.job.stage.per_device_train_batch_size * work.job.stage.gradient_accumulation_steps
    return batch * sum(len(row.input_ids) for row in rows) / len(rows)


def compare(work: Work, steps: int, rounds: int) -> dict[str, float]:
    """Steps a second by variant, the best of ``rounds``; variants take turns, so a busy machine hits them alike."""
    from datasets import disable_progress_bars

    disable_progress_bars()
    theirs = _trl_sft if work.job.stage.method == "sft" else _trl_grpo
    variants: dict[str, Callable[[], float]] = {
        "TRL's defaults": lambda: _time(theirs(work, steps, {}), steps),
        "TRL, no bf16, no checkpointing": lambda: _time(theirs(work, steps, _PLAIN), steps),
        "primum": lambda: _time_ours(work, steps),
    }
    best = dict.fromkeys(variants, 0.0)
    for _ in range(rounds):
        for name, rate in variants.items():
            best[name] = max(best[name], rate())
    return best


def _time_ours(work: Work, steps: int) -> float:
    shutil.rmtree(work.inputs.work, ignore_errors=True)
    work.inputs.work.mkdir(parents=True)
    build = sft_trainer if work.job.stage.method == "sft" else grpo_trainer
    job = work.longer(steps)
    trainer, _ = build(job, work.inputs, *work.model())
    return _time(trainer, steps, lambda: fit(trainer, job, work.inputs), score_completions_only())


def _time(trainer: Any, steps: int, train: Callable[[], Any] | None = None, around: Any = None) -> float:
    """Steps a second after the first few."""
    from transformers import TrainerCallback

    class Clock(TrainerCallback):
        """Takes the time at the last uncounted step and at the last step."""

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.global_step == _WARM:
                self.start = time.monotonic()
            elif state.global_step == steps + _WARM:
                self.end = time.monotonic()

    clock = Clock()
    trainer.add_callback(clock)
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), around or nullcontext():
        (train or trainer.train)()
    return steps / (clock.end - clock.start)


def _trl_arguments(work: Work, steps: int, changes: dict[str, Any]) -> dict[str, Any]:
    """The same work, and otherwise TRL's own defaults but for what would print, report or save."""
    import torch

    stage = work.job.stage
    same = {
        "max_steps": steps + _WARM,
        "learning_rate": stage.learning_rate,
        "gradient_accumulation_steps": stage.gradient_accumulation_steps,
        "seed": work.job.seed,
    }
    quiet = {
        "output_dir": str(work.inputs.work),
        "report_to": "none",
        "disable_tqdm": True,
        "save_strategy": "no",
        "logging_steps": steps * 9,
    }
    quiet["use_cpu"] = not torch.cuda.is_available()
    return same | quiet | changes | {"chat_template_kwargs": {"enable_thinking": work.job.thinking}}


def _trl_sft(work: Work, steps: int, changes: dict[str, Any]) -> Any:
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    task, stage, (model, tokenizer) = load_job_task(work.job), work.job.stage, work.model()
    arguments = _trl_arguments(work, steps, changes)
    template = arguments.pop("chat_template_kwargs")
    rows = [
        {
            "prompt": task.messages(e),
            "completion": [{"role": "assistant", "content": task.gold_completion(e)}],
            "chat_template_kwargs": template,
        }
        for e in work.inputs.examples
    ]
    config = SFTConfig(
        **arguments, per_device_train_batch_size=stage.per_device_train_batch_size, max_length=stage.max_length
    )
    return SFTTrainer(model=model, args=config, train_dataset=Dataset.from_list(rows), processing_class=tokenizer)


def _trl_grpo(work: Work, steps: int, changes: dict[str, Any]) -> Any:
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    task, stage, (model, tokenizer) = load_job_task(work.job), work.job.stage, work.model()
    examples, weights = work.inputs.examples, work.job.reward_table or {}

    def reward(component: str) -> Callable[..., list[float]]:
        def paid(completions: list[Any], row: list[int], **_: Any) -> list[float]:
            verdicts = [task.judge(examples[r], c[0]["content"]) for r, c in zip(row, completions, strict=True)]
            return [1.0 if verdict.outcomes[component] else 0.0 for verdict in verdicts]

        paid.__name__ = component
        return paid

    rows = [{"prompt": task.messages(example), "row": number} for number, example in enumerate(examples)]
    config = GRPOConfig(
        **_trl_arguments(work, steps, changes),
        per_device_train_batch_size=stage.per_device_train_batch_size * stage.num_generations,
        num_generations=stage.num_generations,
        max_completion_length=stage.max_completion_length,
        temperature=stage.temperature,
        beta=stage.beta,
        reward_weights=list(weights.values()),
    )
    functions = [reward(component) for component in weights]
    return GRPOTrainer(
        model=model,
        args=config,
        reward_funcs=functions,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )

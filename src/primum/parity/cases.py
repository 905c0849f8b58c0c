"""What is compared: one step of a study's SFT and GRPO stages, on the same policy, rows and completions.

* Policy: the adapter that the study's GRPO starts from, every weight times :data:`FACTOR`. KL is measured against the
  unchanged adapter, so neither KL nor its gradient is zero; :data:`BETA` gives it a weight at which neither KL nor the
  rewards hide the other.
* Rows: those of the stages' own first step, in the order of training.
* Completions: fixed texts, some right and some wrong, so that rewards differ within every group.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from primum.errors import UserError
from primum.files import read_json, read_jsonl, sha256_file, sha256_json, write_json
from primum.strict import Identifier, Strict
from primum.tasks.base import Example, Task
from primum.training.base import TrainJob, load_job_task
from primum.training.loading import ADAPTER, CHECKPOINT, encode, stop_ids
from primum.training.order import batch_plan, prompt_order
from primum.training.rows import Taught, prompt_ids, taught_rows
from primum.training.sampling import decode

FACTOR = 1.1
BETA = 0.5
_WEIGHTS = "adapter_model.safetensors"

Method = Literal["sft", "grpo"]
Side = Literal["trl", "tunix", "plain"]


class ParityConfig(Strict):
    """``--config`` of ``scripts/probe_backend.py``."""

    study: Identifier
    jobs: dict[Method, TrainJob]  # the first stage of each method, as it is trained


@dataclass(frozen=True, slots=True)
class Case:
    """One step of one stage.

    Attributes:
        job: the stage, as :func:`probe_job` changes it.
        examples: rows of its split.
        rows: row numbers of the first step: SFT's rows, or GRPO's prompts.
        prompts: token ids of every row's prompt; only for GRPO.
        answers: ``{prompt: completions}`` as token ids, for the first step's prompts; only for GRPO.
    """

    job: TrainJob
    examples: list[Example]
    rows: list[int]
    prompts: list[list[int]]
    answers: Mapping[tuple[int, ...], list[list[int]]]

    def completions(self) -> Iterator[tuple[int, list[int], list[int]]]:
        """(row, prompt, completion) of the step, a prompt's completions beside each other."""
        for row in self.rows:
            prompt = self.prompts[row]
            for answer in self.answers[tuple(prompt)]:
                yield row, prompt, answer


def probe_job(job: TrainJob, side: Side) -> TrainJob:
    """One step of the stage in float32, with what the backends must share to be comparable.

    Dropout is off (each draws its own), gradients are not clipped (so that they can be read off Adam's first moment),
    KL has weight, and losses are averaged a completion first ('grpo'), which both do alike in any micro-batches.
    """
    stage: dict[str, Any] = {
        "max_steps": 1,
        "logging_steps": 1,
        "save_steps": 2,
        "lr_scheduler_type": "constant",
        "max_grad_norm": 1e9,
        "bf16": False,
        "gradient_checkpointing": False,
    }
    if job.stage.method == "grpo":
        stage |= {
            "loss_type": "grpo",
            "scale_rewards": "group",
            "beta": BETA,
            "num_iterations": 1,
            "continues": False,
            "schedule_steps": None,
        }
    return job.model_copy(
        update={
            "backend": "trl" if side == "plain" else side,
            "mesh": job.mesh.model_copy(update={"fsdp": 1, "tp": 1}),
            "lora": job.lora.model_copy(update={"dropout": 0.0}),
            "stage": job.stage.model_copy(update=stage),
        }
    )


def build_case(job: TrainJob, data: Path, tokenizer: Any) -> Case:
    """Rows of the step and, for GRPO, the fixed completions."""
    examples = [Example.from_row(row) for row in read_jsonl(data)]
    task, stage = load_job_task(job), job.stage
    batch = stage.per_device_train_batch_size * stage.gradient_accumulation_steps
    if stage.method == "sft":
        taught = taught_rows(tokenizer, task, examples, job.thinking, stage.max_length)
        return Case(job, examples, batch_plan([len(row.input_ids) for row in taught], batch, 1, job.seed), [], {})
    prompts, _ = prompt_ids(tokenizer, task, examples, job.thinking, stage.max_prompt_length)
    rows = prompt_order(len(prompts), batch, 0, 1, job.seed)
    answers = {
        tuple(prompts[row]): fixed_answers(
            tokenizer, task, examples[row], number, stage.num_generations, stage.max_completion_length
        )
        for number, row in enumerate(rows)
    }
    return Case(job, examples, rows, prompts, answers)


def fixed_answers(tokenizer: Any, task: Task, example: Example, turn: int, count: int, limit: int) -> list[list[int]]:
    """``count`` completions as token ids with their end, cut at ``limit`` as sampling would: the right one, and others.

    The others are the task's cheap policies and the right one cut short; ``turn`` says with which to begin, so that
    the prompts of a step do not all have the same.
    """
    gold = task.gold_completion(example)
    others = [text for _, text in sorted(task.policies(example).items())] + [gold[: len(gold) // 2]]
    texts = [gold, *(others[(turn + number) % len(others)] for number in range(count - 1))]
    return [[*encode(tokenizer, text), stop_ids(tokenizer)[0]][:limit] for text in texts]


def taught(case: Case, tokenizer: Any) -> list[Taught]:
    """SFT's rows of the step."""
    task, stage = load_job_task(case.job), case.job.stage
    rows = taught_rows(tokenizer, task, case.examples, case.job.thinking, stage.max_length)
    return [rows[number] for number in case.rows]


def judged(case: Case, tokenizer: Any) -> list[dict[str, Any]]:
    """The verdict on every completion of the step, as plain values."""
    task = load_job_task(case.job)
    found = []
    for row, _, answer in case.completions():
        verdict = task.judge(case.examples[row], decode(tokenizer, answer))
        fields = ("outcomes", "answer", "confidence", "why", "scorable")
        found.append({field: getattr(verdict, field) for field in fields})
    return found


def facts(case: Case, tokenizer: Any) -> dict[str, str]:
    """Hashes that must be the same everywhere: the step's tokens and, for GRPO, the verdicts on its texts."""
    if case.job.stage.method == "sft":
        return {"tokens": sha256_json([[row.input_ids, row.labels] for row in taught(case, tokenizer)])}
    tokens = sha256_json([[prompt, answer] for _, prompt, answer in case.completions()])
    return {"tokens": tokens, "verdicts": sha256_json(judged(case, tokenizer))}


def changed_policy(stage: Path, folder: Path) -> Path:
    """A copy of a trained stage with every adapter weight times :data:`FACTOR`, and with a record that fits."""
    import numpy as np
    from safetensors.numpy import load_file, save_file

    (folder / ADAPTER).mkdir(parents=True)
    weights = {name: value * np.float32(FACTOR) for name, value in load_file(stage / ADAPTER / _WEIGHTS).items()}
    save_file(dict(sorted(weights.items())), folder / ADAPTER / _WEIGHTS, {"format": "pt"})
    config = read_json(stage / ADAPTER / "adapter_config.json") | {"lora_dropout": 0.0}
    write_json(folder / ADAPTER / "adapter_config.json", config)
    record = read_json(stage / CHECKPOINT)
    record["adapter"] = {name: sha256_file(folder / ADAPTER / name) for name in record["adapter"]}
    write_json(folder / CHECKPOINT, record)
    return folder


def next_answers(case: Case, prompts: Sequence[Sequence[int]]) -> list[list[int]]:
    """The fixed completion of each prompt asked; a prompt that is asked again gets its next one."""
    asked: dict[tuple[int, ...], int] = {}
    found = []
    for prompt in map(tuple, prompts):
        if prompt not in case.answers:
            raise UserError("A backend asks for another prompt than the first step's.", "See primum.training.order.")
        number = asked.get(prompt, 0)
        asked[prompt] = number + 1
        found.append(case.answers[prompt][number % len(case.answers[prompt])])
    return found

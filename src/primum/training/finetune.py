"""LoRA on a few rows and any causal language model in a folder: one call, one folder with adapter, record and card.

Outside the workflow, for a first try of a base: no parent, no guards on rewards, no evaluation on held-out rows.
"""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from primum.closure import code_files, code_sha256
from primum.errors import UserError
from primum.files import rounded, sha256_file, write_json
from primum.reports.finetune_card import write_finetune_card
from primum.strict import Strict
from primum.training import guards
from primum.training.base import adapter_config
from primum.training.finetune_inputs import Base, Chats, find_base, open_base, read_rows
from primum.training.loading import ADAPTER, ADAPTER_FILES, use_threads
from primum.training.order import batch_plan
from primum.training.progress import Progress
from primum.training.rows import Taught, taught_rows

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase, TrainerCallback
    from trl import SFTTrainer

SCRIPT = "scripts/finetune.py"
DATASET = "smoke-synthetic"  # id of the rows that lie with the project
RECORD, CARD = "provenance.json", "README.md"
TARGETS = "all-linear"  # PEFT's word for every linear layer but the output's: it fits fused layers (GPT-2) too
_PACKAGES = ("peft", "torch", "transformers", "trl")


class Finetuning(Strict):
    """Hyperparameters of one call.

    Attributes:
        steps: optimiser steps.
        rank: of LoRA; its ``alpha`` is twice that.
        learning_rate: peak, falling to nought in a line.
        batch: rows a step.
        max_length: tokens of prompt and completion; the model's own limit where that is lower.
        threads: of a CPU. Another number may round otherwise, and several wait long for each other on a busy machine.
    """

    steps: Annotated[int, Field(gt=0)] = 30
    rank: Annotated[int, Field(gt=0)] = 8
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.05
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    batch: Annotated[int, Field(gt=0)] = 4
    max_length: Annotated[int, Field(gt=1)] = 512
    seed: Annotated[int, Field(ge=0)] = 0
    threads: Annotated[int, Field(gt=0)] = 1


def finetune(
    root: Path, base: Path, output: Path, job: Finetuning, dataset: str = DATASET, data: Path | None = None
) -> dict[str, Any]:
    """Train an adapter and write ``output/adapter``, its card and ``provenance.json``; equal calls write equal bytes.

    Args:
        root: the project's folder, with its registries.
        base: see :func:`primum.training.finetune_inputs.find_base`.
        output: folder that does not exist yet, or is empty.
        job: hyperparameters.
        dataset: id in ``config/datasets.tsv``.
        data: rows; see :func:`primum.training.finetune_inputs.read_rows`.

    Returns:
        The content of ``provenance.json``.

    Raises:
        UserError: if an input is not what it should be, or nothing was learned at all (no weight changed).
    """
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UserError(f"{output} exists and is not an empty folder.", "Give --output another name, or remove it.")
    rows, found = read_rows(root, dataset, data), find_base(root, base)
    use_threads(job.threads)
    _quiet()
    model, tokenizer, own = open_base(found)
    limit = min(job.max_length, getattr(model.config, "max_position_embeddings", None) or job.max_length)
    taught = taught_rows(tokenizer, Chats(), rows.examples, False, limit)  # type: ignore[arg-type]
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.") as scratch:
        trained, loss = _train(job, model, tokenizer, taught, Path(scratch) / "trainer")
        fresh = Path(scratch) / "new"
        hashes = _save(trained, found, fresh / ADAPTER)
        record = {
            "adapter": hashes,
            "base": found.record(),
            "chat_template": None if own else tokenizer.chat_template,
            "code_sha256": code_sha256(root, code_files(root, SCRIPT)),
            "dataset": rows.record() | {"truncated_rows": sum(row.truncated for row in taught)},
            "device": trained.device.type,
            "hyperparameters": job.model_dump(exclude={"seed"})
            | {"alpha": 2 * job.rank, "target_modules": TARGETS, "max_length": limit},
            "loss": loss,
            "seed": job.seed,
            "versions": {name: version(name).partition("+")[0] for name in _PACKAGES},
        }
        write_finetune_card(record, found.place.name if found.place.is_file() else None, fresh / CARD)
        write_json(fresh / RECORD, record)
        if output.exists():
            output.rmdir()
        fresh.rename(output)
    return record


def _quiet() -> None:
    """No progress bars of libraries, and no warnings that a user could not act on."""
    import warnings

    os.environ["HF_HUB_OFFLINE"] = "1"
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"transformers\..*")
    warnings.filterwarnings("ignore", message="fan_in_fan_out is set to", module=r"peft\..*")
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()


def _train(
    job: Finetuning, model: Any, tokenizer: PreTrainedTokenizerBase, rows: Sequence[Taught], scratch: Path
) -> tuple[Any, dict[str, Any]]:
    """The model with its adapter, trained, and the loss on the rows before and after."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import set_seed

    set_seed(job.seed)
    settings = LoraConfig(
        r=job.rank, lora_alpha=2 * job.rank, lora_dropout=job.dropout, target_modules=TARGETS, task_type="CAUSAL_LM"
    )
    try:
        adapted = get_peft_model(model, settings)
    except ValueError as error:
        raise UserError(f"LoRA does not fit the base: {error}", "Give a base with linear layers.") from None
    adapted.to("cuda" if torch.cuda.is_available() else "cpu")
    before = mean_loss(adapted, rows)
    weights = guards.snapshot(adapted.named_parameters())
    _trainer(job, adapted, tokenizer, rows, scratch).train()
    guards.check_changed(weights, adapted.named_parameters())
    after = mean_loss(adapted, rows)
    learned = sum(label != -100 for row in rows for label in row.labels[1:])
    return adapted, {"before": rounded(before), "after": rounded(after), "tokens": learned}


def _trainer(
    job: Finetuning, model: Any, tokenizer: PreTrainedTokenizerBase, rows: Sequence[Taught], scratch: Path
) -> SFTTrainer:
    import torch
    from datasets import Dataset
    from transformers import PrinterCallback
    from trl import SFTConfig, SFTTrainer

    order = batch_plan([len(row.input_ids) for row in rows], job.batch, job.steps, job.seed)
    data = Dataset.from_list([{"input_ids": row.input_ids, "labels": row.labels} for row in rows])
    arguments = SFTConfig(
        output_dir=str(scratch),
        seed=job.seed,
        max_steps=job.steps,
        learning_rate=job.learning_rate,
        lr_scheduler_type="linear",
        per_device_train_batch_size=job.batch,
        bf16=False,
        gradient_checkpointing=False,
        logging_steps=max(1, job.steps // 5),
        logging_nan_inf_filter=False,
        save_strategy="no",
        use_cpu=not torch.cuda.is_available(),
        dataloader_pin_memory=torch.cuda.is_available(),
        remove_unused_columns=False,
        disable_tqdm=True,
        report_to="none",
        max_length=None,  # rows are cut already
        packing=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        train_sampling_strategy="sequential",
    )
    trainer = SFTTrainer(model=model, args=arguments, train_dataset=data.select(order), processing_class=tokenizer)
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(_watch(job))
    return trainer


def _watch(job: Finetuning) -> TrainerCallback:
    from transformers import TrainerCallback

    progress = Progress("finetune", job.steps)

    class Watch(TrainerCallback):
        """One line a logged step; a loss that is no number ends it."""

        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            progress.begin(state.global_step)

        def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            entry = state.log_history[-1]
            if "loss" in entry:
                progress.logged(entry)
                if not math.isfinite(entry["loss"]):
                    raise UserError(
                        f"Step {entry['step']}: the loss is {entry['loss']}.",
                        "Lower --learning-rate, or mend the rows.",
                    )

    return Watch()


def mean_loss(model: Any, rows: Sequence[Taught]) -> float:
    """Mean negative log-likelihood, in nats, of a completion token (its end token included); row by row, no dropout."""
    import torch

    model.eval()
    total, count = 0.0, 0
    with torch.no_grad():
        for row in rows:
            ids = torch.tensor([row.input_ids], device=model.device)
            labels = torch.tensor([row.labels], device=model.device)
            logits = model(input_ids=ids).logits[:, :-1].float()
            total += float(torch.nn.functional.cross_entropy(logits[0], labels[0, 1:], reduction="sum"))
            count += int((labels[0, 1:] != -100).sum())
    return total / count


def _save(model: Any, base: Base, folder: Path) -> dict[str, str]:
    """Write the adapter as every stage's is written; its files' hashes."""
    from safetensors.numpy import save_file

    from primum.training.trl import adapter_of

    folder.mkdir(parents=True)
    tensors, config = adapter_of(model)
    save_file({name: tensors[name] for name in sorted(tensors)}, folder / ADAPTER_FILES[1], {"format": "pt"})
    write_json(folder / ADAPTER_FILES[0], adapter_config(config, {"reader": "folder", "path": base.name}))
    return {name: sha256_file(folder / name) for name in ADAPTER_FILES}

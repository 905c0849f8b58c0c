"""What stages cost in tokens and operations: counted from the order of rows and the training logs, never timed.

So the figures are the same on every machine. They estimate work, not time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from primum.errors import UserError
from primum.files import read_json, read_jsonl
from primum.tasks import load_task
from primum.tasks.base import Example
from primum.training.order import batch_plan, prompt_order
from primum.training.rows import prompt_ids, taught_rows

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TRAINED, SAMPLED = 6, 2  # operations a parameter and token: forward and backward; forward alone
LENGTH = "completions/mean_length"  # in a GRPO log, over the completions since the last entry


def count_stages(
    checkpoints: Sequence[Path], base: Mapping[str, Any], folder: Path, data: Path, tokenizer: PreTrainedTokenizerBase
) -> dict[str, Any]:
    """The content of ``compute.json``.

    Args:
        checkpoints: ``checkpoint.json`` of every stage and seed, with adapter and log beside it.
        base: ``base.json``.
        folder: of the base's weights.
        data: folder of the split files.
        tokenizer: the base's.

    Returns:
        ``{"base", "parameters", "operations": {"trained", "sampled"}, "stages": [...]}``. Operations are estimated as
        6 N a token trained on and 2 N a token sampled (Kaplan et al. 2020, arXiv:2001.08361, section 2.1), N being all
        parameters of base and adapter. That counts neither attention over the context, nor reading prompts before
        sampling, nor a reference policy; and it counts gradients of frozen weights, which need not be computed.

    Raises:
        UserError: if a file of weights has no readable header.
    """
    held = sum(parameters(path) for path in sorted(folder.glob("*.safetensors")))
    rows = [_stage(path, held, data, tokenizer) for path in checkpoints]
    return {
        "base": base["id"],
        "parameters": held,
        "operations": {"trained": TRAINED, "sampled": SAMPLED},
        "stages": rows,
    }


def parameters(path: Path) -> int:
    """Numbers in a safetensors file, from its header alone; tied weights are stored, and counted, once."""
    try:
        with path.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    except ValueError:
        raise UserError(f"{path} is no safetensors file.", "Let snakemake make it again.") from None
    return sum(prod(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__")


def _stage(path: Path, held: int, data: Path, tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    record = read_json(path)
    stage, config = record["config"]["stage"], record["config"]
    task = load_task(config["task"], config["task_settings"])
    examples = [Example.from_row(row) for row in read_jsonl(data / f"{stage['split']}.jsonl")]
    batch = stage["per_device_train_batch_size"] * stage["gradient_accumulation_steps"]
    steps, seed, thinking = stage["max_steps"], record["seed"], config["thinking"]
    adapter = parameters(path.parent / "adapter" / "adapter_model.safetensors")
    row = {"stage": record["stage"], "seed": seed, "method": stage["method"], "steps": steps, "adapter": adapter}
    sampled: dict[str, Any] = {"completions": None, "mean_tokens": None, "tokens_sampled": None}
    if stage["method"] == "sft":
        lengths = [len(r.input_ids) for r in taught_rows(tokenizer, task, examples, thinking, stage["max_length"])]
        sequences = batch * steps
        tokens: int | None = sum(lengths[at] for at in batch_plan(lengths, batch, steps, seed))
    else:
        log = [entry for entry in read_jsonl(path.with_name("train_log.jsonl")) if entry["step"]]
        repeats, group = stage["num_iterations"], stage["num_generations"]
        draws, sequences = steps // repeats, batch * steps * group
        prompts, _ = prompt_ids(tokenizer, task, examples, thinking, stage["max_prompt_length"])
        first = (log[-1]["step"] - steps) // repeats if log else 0  # a block that continues counts on
        read = sum(len(prompts[at]) for at in prompt_order(len(prompts), batch, first, draws, seed))
        lengths = [entry[LENGTH] for entry in log if LENGTH in entry]
        sampled["completions"], tokens = batch * draws * group, None
        if lengths:  # the tunix backend logs none
            mean = sum(lengths) / len(lengths)
            made = round(mean * sampled["completions"])
            sampled |= {"mean_tokens": round(mean, 6), "tokens_sampled": made}
            tokens = repeats * (read * group + made)
    work = None
    if tokens is not None:
        work = (held + adapter) * (TRAINED * tokens + SAMPLED * (sampled["tokens_sampled"] or 0))
    return row | {"sequences": sequences, "tokens_trained": tokens, **sampled, "operations": work}

"""The one way to a model: base and adapter checked against their records, prompts rendered alike everywhere."""

from __future__ import annotations

import contextlib
import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from primum.errors import UserError
from primum.files import read_json, sha256_file, sha256_json

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from primum.tasks.base import Message

ADAPTER = "adapter"
ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")
CHECKPOINT = "checkpoint.json"
CARD = "README.md"  # joins the weights at any time, under a hidden name first; nothing is loaded from it
REBUILD = "Restore it, or delete results/inputs/bases/{}/base.json and call snakemake again."


def use_threads(threads: int) -> None:
    """Let torch use ``threads`` CPU threads. Call before any model is built."""
    os.environ["OMP_NUM_THREADS"] = str(threads)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    import torch

    torch.set_num_threads(threads)
    if torch.cuda.is_available():
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
    else:
        _keep_memory()


def _keep_memory() -> None:
    """Let glibc keep freed memory: torch asks for the same blocks at every step, and each fresh page costs a fault."""
    import ctypes

    trim_threshold, mmap_max = -1, -4  # M_TRIM_THRESHOLD, M_MMAP_MAX of malloc.h
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(trim_threshold, 2**31 - 1)
        libc.mallopt(mmap_max, 0)


def bf16_available() -> bool:
    """Whether the hardware computes in bfloat16 itself (a CUDA device that does, not by emulation; never the CPU)."""
    import torch

    return torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)


def base_name(base: dict[str, Any]) -> str:
    """What an adapter calls its base: the hub id, or the folder relative to the project."""
    return base["source"] if base["reader"] == "hub" else base["path"]


def verify_base(root: Path, base: dict[str, Any]) -> Path:
    """Check the base's files against ``base.json``; return its folder.

    Args:
        root: the project's folder, which ``base["path"]`` is relative to.
        base: content of ``base.json``.

    Raises:
        UserError: naming the first file that is missing or differs.
    """
    folder = root / base["path"]
    if sha256_json(base["files"]) != base["sha256"]:
        raise UserError(
            f"base.json of '{base['id']}' contradicts itself: its sha256 is not that of its files.",
            "Delete it and let snakemake rebuild it.",
        )
    for name, expected in sorted(base["files"].items()):
        path = folder / name
        if not path.is_file():
            raise UserError(
                f"Base '{base['id']}': file {name} is missing from {base['path']}.", REBUILD.format(base["id"])
            )
        stat = path.stat()
        if _hash_once(str(path), stat.st_size, stat.st_mtime_ns) != expected:
            raise UserError(
                f"Base '{base['id']}': {name} is not the file on record (sha256 differs).",
                REBUILD.format(base["id"]),
            )
    extra = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p.suffix != ".md"}
    if unknown := sorted(extra - set(base["files"])):
        raise UserError(
            f"Base '{base['id']}': {base['path']} holds {unknown[0]}, which is not on record.",
            REBUILD.format(base["id"]),
        )
    return folder


@lru_cache(maxsize=256)
def _hash_once(path: str, size: int, mtime_ns: int) -> str:
    """Hash a file once a process: weights may be gigabytes."""
    return sha256_file(path)


def verify_checkpoint(base: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Check a stage's folder against its ``checkpoint.json`` and the base; return the checkpoint.

    Raises:
        UserError: naming what differs: another base, another adapter, or a folder never finished.
    """
    if not (folder / CHECKPOINT).is_file():
        raise UserError(
            f"{folder} has no {CHECKPOINT}: it was not finished, or not made here.",
            "Train the stage; an adapter without lineage is not loaded.",
        )
    checkpoint: dict[str, Any] = read_json(folder / CHECKPOINT)
    recorded = checkpoint["base"]
    if recorded["sha256"] != base["sha256"]:
        raise UserError(
            f"{folder} was trained on base '{recorded['id']}' ({recorded['sha256'][:12]}), "
            f"not on '{base['id']}' ({base['sha256'][:12]}).",
            "Give the base it was trained on, or train the stage again.",
        )
    files = (folder / ADAPTER).iterdir() if (folder / ADAPTER).is_dir() else ()
    found = sorted(p.name for p in files if not p.name.lstrip(".").startswith(CARD))
    if found != sorted(checkpoint["adapter"]):
        raise UserError(
            f"{folder}/{ADAPTER} holds {found}, not {sorted(checkpoint['adapter'])}.", "Train the stage again."
        )
    for name, expected in sorted(checkpoint["adapter"].items()):
        if sha256_file(folder / ADAPTER / name) != expected:
            raise UserError(
                f"{folder}/{ADAPTER}/{name} is not the file on record (sha256 differs).", "Train the stage again."
            )
    named = read_json(folder / ADAPTER / "adapter_config.json").get("base_model_name_or_path")
    if named != base_name(base):
        raise UserError(
            f"{folder}/{ADAPTER} names '{named}' as its base, the record says '{base_name(base)}'.",
            "Train the stage again.",
        )
    return checkpoint


def load_tokenizer(base: dict[str, Any], root: Path | str = ".") -> PreTrainedTokenizerBase:
    """The base's own tokenizer (no adapter ever changes it), padding on the left."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(verify_base(Path(root), base), local_files_only=True, padding_side="left")
    if tokenizer.chat_template is None:
        raise UserError(f"Base '{base['id']}' has no chat template.", "Use an instruction-tuned base.")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_model(
    root: Path | str,
    base_json: dict[str, Any],
    checkpoint_dir: Path | None,
    trainable: bool = False,
    bf16: bool = False,
    fp16: bool = False,
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load the base, and a stage's adapter on top, both verified.

    Args:
        root: the project's folder.
        base_json: content of ``base.json``.
        checkpoint_dir: a stage's folder (``adapter/`` and ``checkpoint.json``), or None for the bare base.
        trainable: let the adapter be trained on (without this, PEFT freezes it silently).
        bf16: whether the configuration asks for bfloat16; used only where :func:`bf16_available`.
        fp16: likewise float16, on any CUDA device. Adapters stay in float32.

    Returns:
        The model, in evaluation mode unless ``trainable``, on the accelerator if there is one, and its tokenizer.

    Raises:
        UserError: if base or adapter are not what their records say.
    """
    import torch
    from transformers import AutoModelForCausalLM

    root = Path(root)
    folder = verify_base(root, base_json)
    if checkpoint_dir is not None:
        verify_checkpoint(base_json, Path(checkpoint_dir))
    tokenizer = load_tokenizer(base_json, root)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=pick_dtype(bf16, fp16), local_files_only=True)
    model.generation_config = _generation_config(tokenizer)
    if checkpoint_dir is not None:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, Path(checkpoint_dir) / ADAPTER, is_trainable=trainable)
    model.train(trainable)
    return model.to("cuda" if torch.cuda.is_available() else "cpu"), tokenizer


def pick_dtype(bf16: bool, fp16: bool = False) -> torch.dtype:
    """bfloat16 or float16 where it is asked for and the hardware has it, else float32."""
    import torch

    if fp16 and torch.cuda.is_available():
        return torch.float16
    return torch.bfloat16 if bf16 and bf16_available() else torch.float32


def _generation_config(tokenizer: PreTrainedTokenizerBase) -> Any:
    """Ours instead of the base's, whose sampling defaults must not reach greedy decoding."""
    from transformers import GenerationConfig

    return GenerationConfig(
        eos_token_id=list(stop_ids(tokenizer)), pad_token_id=tokenizer.pad_token_id, do_sample=False
    )


@lru_cache(maxsize=8)
def stop_ids(tokenizer: PreTrainedTokenizerBase) -> tuple[int, ...]:
    """Tokens that end generation: first the one with which the chat template closes a turn, which SFT teaches.

    The tokenizer's ``eos_token`` follows where it is another one, as with Gemma (``<end_of_turn>`` and ``<eos>``).

    Raises:
        UserError: if the template closes the assistant's turn with no token of its own.
    """
    turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "!"}]
    after = tokenizer.apply_chat_template(turns, tokenize=False).rpartition("!")[2].strip()
    ids = encode(tokenizer, after)
    if len(ids) != 1:
        raise UserError(
            f"The chat template does not close the assistant's turn with one token (it writes {after!r}).",
            "Use an instruction-tuned base whose template ends turns with an end token.",
        )
    eos = [] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id]
    return tuple(dict.fromkeys([*ids, *eos]))


def render_prompt(tokenizer: PreTrainedTokenizerBase, messages: list[Message], thinking: bool) -> str:
    """The prompt as text, up to where the assistant's turn begins. The only place that applies a chat template."""
    return tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True, enable_thinking=thinking)


def encode(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Token ids of rendered text: the template has written every special token, so none is added."""
    return tokenizer(text, add_special_tokens=False)["input_ids"]

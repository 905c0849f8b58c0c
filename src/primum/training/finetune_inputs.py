"""What ``scripts/finetune.py`` is given: a base that nobody prepared, and rows of a registered dataset."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from primum.errors import UserError
from primum.files import read_json, read_jsonl, sha256_file, sha256_json
from primum.provenance.governance import obligations
from primum.provenance.registry import Registry
from primum.registry import DatasetEntry, Governed, load_dataset_entry
from primum.tasks.base import Example, Message
from primum.training.loading import base_name, stop_ids, verify_base

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

# For a base that knows no turns: what was said, each on lines of its own, then the completion and the end token.
PLAIN_TEMPLATE = (
    "{%- for message in messages %}{{- message.content }}"
    "{%- if message.role == 'assistant' %}{{- eos_token }}{%- else %}{{- '\\n' }}{%- endif %}{%- endfor %}"
)
_BEGIN = "{{- bos_token }}"
_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model", "tekken.json")
_ROLES = ("system", "user", "assistant")


@dataclass(frozen=True, slots=True)
class Base:
    """A base as it was found.

    Attributes:
        place: its folder, or its GGUF file.
        name: how an adapter calls it: hub id, path in the project, or the bare name of a folder elsewhere.
        files: sha256 of every file, by path in the folder.
        sha256: of that listing; for a base of the registry the one on record.
        licence: as registered, or 'unknown'.
    """

    place: Path
    name: str
    files: dict[str, str]
    sha256: str
    licence: str

    def record(self) -> dict[str, Any]:
        """Its part of ``provenance.json``: no path outside the project."""
        return {"name": self.name, "files": self.files, "sha256": self.sha256, "licence": self.licence}


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows to train on.

    Attributes:
        dataset: the registry's line that they belong to.
        file: name of the file.
        sha256: of its bytes.
        on_record: whether the registry has that hash.
        examples: ``inputs.messages`` up to the last turn, ``gold.completion``.
    """

    dataset: DatasetEntry
    file: str
    sha256: str
    on_record: bool
    examples: list[Example]

    def record(self) -> dict[str, Any]:
        """Their part of ``provenance.json``."""
        governed = {key: getattr(self.dataset, key) for key in ("id", "licence", *Governed.model_fields)}
        return governed | {
            "obligations": obligations(self.dataset.licence),
            "file": self.file,
            "sha256": self.sha256,
            "on_record": self.on_record,
            "rows": len(self.examples),
        }


class Chats:
    """The two methods of a task that SFT needs, for rows that hold their own turns."""

    def messages(self, example: Example) -> list[Message]:
        """All turns but the last."""
        return example.inputs["messages"]

    def gold_completion(self, example: Example) -> str:
        """The last turn, which is the assistant's."""
        return example.gold["completion"]


def read_rows(root: Path, dataset: str, data: Path | None) -> Rows:
    """Rows of a registered dataset.

    Args:
        root: the project's folder.
        dataset: id in ``config/datasets.tsv``; nothing is trained without one.
        data: JSON lines of ``{"prompt", "completion"}`` or ``{"messages"}``; None: the dataset's own file.

    Raises:
        UserError: if the dataset is not registered, the file is not the one on record, or a row cannot be used.
    """
    entry = load_dataset_entry(root, dataset)
    if data is None:
        if entry.reader != "file":
            raise UserError(
                f"Dataset '{dataset}' is not one file of rows (its reader is '{entry.reader}').", "Name rows by --data."
            )
        data = root / entry.source
    digest = sha256_file(data)
    on_record = digest in re.split("[=;]", entry.sha256)
    if entry.reader == "file" and not on_record:
        raise UserError(
            f"{data.name} is not the file that dataset '{dataset}' has on record (sha256 {digest}).",
            "Add a line to config/datasets.tsv (source, this sha256, licence), and give its id to --dataset.",
        )
    examples = [_example(row, f"{data.name} row {number}") for number, row in enumerate(read_jsonl(data), 1)]
    if not examples:
        raise UserError(f"{data.name} holds no rows.", "Give at least one row.")
    return Rows(entry, data.name, digest, on_record, examples)


def _example(row: Any, place: str) -> Example:
    remedy = 'Write {"prompt": "...", "completion": "..."} or {"messages": [..., {"role": "assistant", ...}]}.'
    if not isinstance(row, dict) or ("messages" in row) == ("prompt" in row or "completion" in row):
        raise UserError(f"{place} is neither a prompt with its completion nor a list of messages.", remedy)
    turns = row.get("messages")
    if turns is None:
        turns = [
            {"role": "user", "content": row.get("prompt")},
            {"role": "assistant", "content": row.get("completion")},
        ]
    if not isinstance(turns, list) or not all(isinstance(turn, Mapping) for turn in turns):
        raise UserError(f"{place}: 'messages' is not a list of turns.", remedy)
    said = [{"role": turn.get("role"), "content": turn.get("content")} for turn in turns]
    for turn in said:
        if turn["role"] not in _ROLES or not isinstance(turn["content"], str) or not turn["content"].strip():
            raise UserError(f"{place}: a turn has no text, or a role that is none of {', '.join(_ROLES)}.", remedy)
    if len(said) < 2 or said[-1]["role"] != "assistant":
        raise UserError(f"{place} does not end with what the assistant says to something.", remedy)
    return Example(place, {"messages": said[:-1]}, {"completion": said[-1]["content"]})


def find_base(root: Path, place: Path) -> Base:
    """A base by its folder: in Hugging Face layout, with one GGUF file (or that file), or with a ``base.json``.

    Raises:
        UserError: if there is none, or a prepared base is not what its record says.
    """
    if (place / "base.json").is_file():
        record = read_json(place / "base.json")
        return Base(verify_base(root, record), base_name(record), record["files"], record["sha256"], record["licence"])
    if not place.exists():
        raise UserError(
            f"Base {place} does not exist.",
            "Give a folder with config.json, weights and tokenizer, a GGUF file, or results/inputs/bases/<id>.",
        )
    if place.is_dir() and not (place / "config.json").is_file():
        found = sorted(place.glob("*.gguf"))
        if len(found) != 1:
            raise UserError(
                f"{place} has no config.json{' and several GGUF files' if found else ''}.",
                "Give the folder of a whole model (not of an adapter), or one GGUF file.",
            )
        place = found[0]
    if place.is_file() and place.suffix != ".gguf":
        raise UserError(f"{place} is a file, and no GGUF file.", "Give the model's folder.")
    files = _listing(place)
    digest, inside = sha256_json(files), place.resolve()
    name = inside.relative_to(root).as_posix() if inside.is_relative_to(root) else inside.name
    lines = [line for (kind, _), line in Registry(root).lines.items() if kind == "bases" and line["sha256"] == digest]
    return Base(place, name, files, digest, lines[0]["licence"] if lines else "unknown")


def _listing(place: Path) -> dict[str, str]:
    """What a prepared base lists, but nothing hidden: a clone's ``.git``, a client's ``.cache``."""
    if place.is_file():
        return {place.name: sha256_file(place)}
    paths = {path.relative_to(place).as_posix(): path for path in place.rglob("*") if path.is_file()}
    shown = {name: path for name, path in paths.items() if not any(part.startswith(".") for part in name.split("/"))}
    return {name: sha256_file(path) for name, path in sorted(shown.items()) if not name.endswith(".md")}


def open_base(base: Base) -> tuple[PreTrainedModel, PreTrainedTokenizerBase, bool]:
    """The model in float32, its tokenizer, and whether the chat template is its own; else it is :data:`PLAIN_TEMPLATE`.

    Raises:
        UserError: if it is no causal language model, lacks weights or has no tokenizer that fits.
    """
    model, tokenizer = (_open_gguf if base.place.is_file() else _open_folder)(base)
    if tokenizer.eos_token_id is None:
        raise UserError(f"The tokenizer of {base.name} has no end token.", "Set eos_token in tokenizer_config.json.")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    held = model.get_input_embeddings().weight.shape[0]
    if not len(tokenizer) or max(tokenizer.get_vocab().values()) >= held:
        raise UserError(
            f"The tokenizer of {base.name} has {len(tokenizer)} tokens, the model {held}.", "Give the model's own."
        )
    own = tokenizer.chat_template is not None
    if not own:
        begins = tokenizer("a")["input_ids"][:1] == [tokenizer.bos_token_id]
        tokenizer.chat_template = (_BEGIN if begins else "") + PLAIN_TEMPLATE
    _check_template(base, tokenizer)
    return model, tokenizer, own


def _check_template(base: Base, tokenizer: PreTrainedTokenizerBase) -> None:
    from jinja2 import TemplateError

    try:
        stop_ids(tokenizer)
    except TemplateError as error:
        raise UserError(f"The chat template of {base.name} fails: {error}", "Mend it.") from None


def _open_folder(base: Base) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    if not any((base.place / name).is_file() for name in _TOKENIZERS):
        raise UserError(f"{base.name} has no tokenizer.", f"Put its {_TOKENIZERS[0]} into the folder.")
    try:
        config = AutoConfig.from_pretrained(base.place, local_files_only=True)
        known = MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.get(config.model_type)
        if known is None or known not in (config.architectures or [known]):
            raise UserError(
                f"{base.name} is no causal language model: it is {(config.architectures or [config.model_type])[0]}.",
                "Give a model that continues text.",
            )
        model, loaded = AutoModelForCausalLM.from_pretrained(
            base.place, dtype=torch.float32, local_files_only=True, output_loading_info=True
        )
        tokenizer = AutoTokenizer.from_pretrained(base.place, local_files_only=True)
    except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
        raise UserError(f"{base.name} cannot be read: {str(error).splitlines()[0]}", "Mend the folder.") from None
    if missing := sorted(loaded["missing_keys"]):
        raise UserError(
            f"{base.name} lacks {len(missing)} weights, {missing[0]} for one: they would be random.",
            "Give the folder of a whole model.",
        )
    return model, tokenizer


def _open_gguf(base: Base) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    from primum.bases.gguf import read_gguf

    try:
        return read_gguf(base.place)
    except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
        raise UserError(f"{base.name} cannot be read: {str(error).splitlines()[0]}", "Give another file.") from None

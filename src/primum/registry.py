"""The registries: what is known of every dataset and base model, ``config/datasets.tsv`` and ``config/models.tsv``.

A line says two things, and they are typed apart. What a program fetches decides rows and weights (``DatasetSource``,
``ModelSource``); what people are answerable for decides none (``Governed``): a better word there trains nothing again.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import field_validator, model_validator

from primum.errors import UserError
from primum.strict import Identifier, Strict, parse

DATASETS, MODELS = "config/datasets.tsv", "config/models.tsv"
UNKNOWN = "unknown"  # how a line admits that nobody knows; '-' would say that nobody looked
Sensitivity = Literal["synthetic", "public", "deidentified", "identifiable"]
SENSITIVITIES: tuple[str, ...] = get_args(Sensitivity)  # the least sensitive first
_NO_BASIS = re.compile(r"(none|unknown)\b", re.IGNORECASE)


class Governed(Strict):
    """What people are answerable for, in words."""

    purpose: str  # what it may be used for
    sensitivity: Sensitivity  # of the rows; of a model, the class of the weights as they are passed on
    consent: str  # consent or other legal basis
    lineage: str  # what it was made from

    @field_validator("purpose", "consent", "lineage")
    @classmethod
    def _said(cls, text: str) -> str:
        if text.strip() in ("", "-"):
            raise ValueError(f"it is empty; say it in words, or '{UNKNOWN}'")
        return text

    @model_validator(mode="after")
    def _basis(self) -> Governed:
        if self.sensitivity == "identifiable" and _NO_BASIS.match(self.consent.strip()):
            raise ValueError(f"consent: data of identifiable people need a basis, and '{self.consent}' is none")
        return self


class DatasetSource(Strict):
    """What a dataset's rows are read from."""

    id: Identifier
    reader: Literal["bundled", "file", "hub", "corpus"]  # corpus: written by a teacher for the study that names it
    columns: Literal["medmcqa", "grounded", "cases"]  # questions with options, chats on a context, irAE cases
    source: str  # folder or file of the project, or hub repository; corpus: the folder of sourced facts
    revision: str  # hub commit; '-' where there is none
    sha256: str  # of the file or, for folders, of the listing; hub: of '<file>' parts; '-' where unknown
    answer_base: Literal["0", "1"]  # number that means option A in the 'cop' column
    licence: str
    note: str


class ModelSource(Strict):
    """What a base model is read from."""

    id: Identifier
    reader: Literal["bundled", "folder", "gguf-wheel", "hub"]
    source: str
    revision: str
    sha256: str
    licence: str
    note: str


class DatasetEntry(Governed, DatasetSource):
    """A line of ``config/datasets.tsv``."""

    def fetched(self) -> str:
        """What decides its rows, as JSON: ``--entry`` of ``fetch_dataset``."""
        return self.model_dump_json(include=set(DatasetSource.model_fields))


class ModelEntry(Governed, ModelSource):
    """A line of ``config/models.tsv``."""

    def fetched(self) -> str:
        """What decides its weights, as JSON: ``--entry`` of ``prepare_base``."""
        return self.model_dump_json(include=set(ModelSource.model_fields))


def load_dataset_entry(root: Path, name: str) -> DatasetEntry:
    """The line of ``config/datasets.tsv`` with this id."""
    return _find(_read(root / DATASETS, DatasetEntry), name, DATASETS, "dataset")


def load_model_entry(root: Path, name: str) -> ModelEntry:
    """The line of ``config/models.tsv`` with this id."""
    return _find(_read(root / MODELS, ModelEntry), name, MODELS, "base")


def _read(path: Path, model: type[Strict]) -> dict[str, Any]:
    """Read a tab-separated registry, keyed by id."""
    if not path.is_file():
        raise UserError(f"Registry {path} does not exist.", "Restore it from git.")
    entries: dict[str, Any] = {}
    with path.open(encoding="utf-8", newline="") as handle:
        for number, row in enumerate(csv.DictReader(handle, delimiter="\t"), 2):
            where = f"{path.name} line {number}"
            if None in row or None in row.values():
                raise UserError(
                    f"{where} does not have {len(model.model_fields)} tab-separated fields.",
                    "Write '-' for an empty field, and 'unknown' where nobody knows.",
                )
            entry = parse(model, row, where)
            if entry.id in entries:
                raise UserError(f"{where}: id '{entry.id}' stands twice.", "Give each entry its own id.")
            entries[entry.id] = entry
    return entries


def _find(entries: dict[str, Any], name: str, file: str, key: str) -> Any:
    if name not in entries:
        raise UserError(
            f"No entry '{name}' in {file} (key '{key}').",
            f"Use one of {', '.join(sorted(entries))}, or add a line.",
        )
    return entries[name]

"""Local tables by their file name's ending: JSON, JSON lines, CSV, Parquet -> records."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from primum.errors import UserError
from primum.files import read_jsonl

MAX_CSV_FIELD = 1 << 24  # characters; explanations exceed the module's own limit of 131,072


def read_table(path: Path) -> list[dict[str, Any]]:
    """The records of ``path``.

    Raises:
        UserError: if the ending is unknown, the file is broken, or a record is not a mapping.
    """
    reader = FORMATS.get(path.suffix.lower())
    if reader is None:
        raise UserError(
            f"{path.name}: no reader for '{path.suffix}' files.", f"Use one of {', '.join(sorted(FORMATS))}."
        )
    try:
        records = reader(path)
    except UnicodeDecodeError as error:
        raise UserError(f"{path.name} is not UTF-8 text (byte {error.start}).", "Save it as UTF-8.") from None
    for number, record in enumerate(records, 1):
        if not isinstance(record, dict):
            raise UserError(f"{path.name}: row {number} is not an object with named columns.", "Give one object a row.")
    if not records:
        raise UserError(f"{path.name} holds no rows.", "Give the table that the registry means.")
    return records


def _json(path: Path) -> list[Any]:
    """One array, or (as MedMCQA's own ``train.json``) one object a line."""
    with path.open(encoding="utf-8-sig") as handle:
        array = handle.read(4096).lstrip().startswith("[")
    if not array:
        return read_jsonl(path)
    try:
        value: list[Any] = json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        raise UserError(f"{path.name} line {error.lineno} is not JSON ({error.msg}).", "Mend the file.") from None
    return value


def _csv(path: Path) -> list[dict[str, Any]]:
    csv.field_size_limit(MAX_CSV_FIELD)
    records = []
    with path.open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.DictReader(handle, strict=True)
        try:
            for record in reader:
                if None in record or None in record.values():
                    raise UserError(
                        f"{path.name} line {reader.line_num} does not have as many fields as the header.",
                        "Quote fields that hold commas.",
                    )
                records.append(record)
        except csv.Error as error:
            raise UserError(f"{path.name} line {reader.line_num} is not CSV ({error}).", "Mend the line.") from None
    return records


def _parquet(path: Path) -> list[dict[str, Any]]:
    import pyarrow
    import pyarrow.parquet

    try:
        # As a plain file: 'path' alone would be taken for a partitioned data set if its folder is named like one.
        with path.open("rb") as handle:
            records: list[dict[str, Any]] = pyarrow.parquet.read_table(handle, use_threads=False).to_pylist()
    except pyarrow.ArrowInvalid as error:
        raise UserError(f"{path.name} is not Parquet ({error}).", "Fetch the file again.") from None
    return records


FORMATS: dict[str, Callable[[Path], list[Any]]] = {".json": _json, ".jsonl": _json, ".csv": _csv, ".parquet": _parquet}

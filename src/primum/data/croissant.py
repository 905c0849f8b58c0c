"""Croissant metadata of JSON lines (MLCommons Croissant 1.0; ``mlcroissant``): files, hashes, and their fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from primum.data.fields import fields
from primum.errors import UserError
from primum.files import read_jsonl, sha256_file

URL = "https://w3id.org/primum"
SPDX = "https://spdx.org/licenses"
UNKNOWN = "unknown"  # what a registry says of a licence that nobody named
TEXT, INTEGER, FLOAT, BOOL = "TEXT", "INTEGER", "FLOAT", "BOOL"  # names in mlcroissant.DataType
KINDS = {bool: BOOL, int: INTEGER, float: FLOAT, str: TEXT}
MEANING = {
    "id": "Identifier of the row, unique in the study.",
    "kind": "Kind of example; for multiple-choice questions the subject.",
    "group": "What the row is about: rows that share a group are about the same thing.",
}


class Column(NamedTuple):
    """A field of a record set: its name, the key of a line, a JSON path in that key's value, and what it is."""

    name: str
    key: str
    path: str
    told: str
    kind: str = TEXT
    repeated: bool = False


def describe(
    name: str, description: str, licence: str, url: str, cite: str, files: Mapping[str, tuple[Path, Iterable[Column]]]
) -> dict[str, Any]:
    """Metadata of JSONL files that lie beside it.

    Args:
        name, description, url, cite: of the dataset.
        licence: its address.
        files: record set -> the file, which has to be there, and its fields.

    Raises:
        UserError: if Croissant's own checks refuse it.
    """
    import mlcroissant as mlc

    distribution, records = [], []
    for record, (path, columns) in sorted(files.items()):
        distribution.append(
            mlc.FileObject(
                id=path.name,
                name=path.name,
                content_url=path.name,
                encoding_formats=["application/jsonlines"],
                sha256=sha256_file(path),
            )
        )
        fields = [
            mlc.Field(
                id=f"{record}/{column.name}",
                name=column.name,
                description=column.told,
                data_types=[getattr(mlc.DataType, column.kind)],
                repeated=column.repeated,
                source=mlc.Source(
                    file_object=path.name,
                    extract=mlc.Extract(column=column.key),
                    transforms=[mlc.Transform(json_path=column.path)] if column.path else [],
                ),
            )
            for column in columns
        ]
        records.append(mlc.RecordSet(id=record, name=record, fields=fields))
    metadata = mlc.Metadata(
        name=name,
        description=description,
        license=licence,
        url=url,
        version="1.0.0",
        cite_as=cite,
        distribution=distribution,
        record_sets=records,
    )
    if metadata.issues.errors:
        raise UserError(f"Croissant metadata '{name}' is not valid: {metadata.issues.report()}", "Mend the names.")
    described: dict[str, Any] = metadata.to_json()
    return described


def describe_splits(study: str, title: str, licence: str, folder: Path, splits: Iterable[str]) -> dict[str, Any]:
    """Metadata of a study's split files: every field of ``inputs`` and ``gold`` that all rows of a split have.

    Args:
        study, title: whose.
        licence: of the rows, as an SPDX name.
        folder: holds ``{split}.jsonl``.
        splits: their names.
    """
    files = {split: (folder / f"{split}.jsonl", _columns(read_jsonl(folder / f"{split}.jsonl"))) for split in splits}
    return describe(
        f"{study}-splits",
        f"{title}: the rows of every split. Research material, no medical advice.",
        licence if licence == UNKNOWN else f"{SPDX}/{licence}.html",
        f"{URL}/{study}",
        f"Primum, study {study}, splits.",
        files,
    )


def _columns(rows: list[dict[str, Any]]) -> list[Column]:
    columns = [Column(key, key, "", told) for key, told in MEANING.items()]
    for part, told in (("inputs", "Prompt input"), ("gold", "Gold answer")):
        found = [fields(row[part]) for row in rows]
        for key in sorted(set.intersection(*map(set, found))):
            values = [each[key] for each in found]
            several = all(isinstance(value, list) for value in values)
            kinds = {type(item) for value in values for item in (value if several else [value])} or {str}
            if len(kinds) == 1 and (kind := KINDS.get(kinds.pop())):
                columns.append(
                    Column(f"{part}/{key}", part, f"$.{key.replace('/', '.')}", f"{told} '{key}'.", kind, several)
                )
    return columns

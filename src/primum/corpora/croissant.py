"""Croissant metadata of a corpus (MLCommons Croissant 1.0; ``mlcroissant``): files, hashes, where each field stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from primum.corpora.contents import chat_file
from primum.corpora.settings import CorpusJob
from primum.errors import UserError
from primum.files import sha256_file

LICENCE = "https://spdx.org/licenses/Apache-2.0.html"
# name, column of a line, JSON path in it, what it is
FIELDS = (
    ("id", "id", "", "Identifier of the row."),
    (
        "conversations",
        "conversations",
        "$[*].value",
        "The turns' texts: system, human and, where there is a target, gpt.",
    ),
    ("roles", "conversations", "$[*].from", "Who says each turn."),
    ("kind", "metadata", "$.kind", "Kind of example."),
    ("group", "metadata", "$.group", "What the row is about; no group stands in a training and a held-out split."),
    ("source", "metadata", "$.source", "Reference of the fact; empty for traps."),
    ("teacher", "metadata", "$.teacher", "Who wrote it."),
)
PROMPT_FIELDS = ("id", "conversations", "roles", "teacher")  # what a line without its target has


def croissant(job: CorpusJob, folder: Path) -> dict[str, Any]:
    """Describe the ShareGPT files in ``folder``, which have to be there."""
    import mlcroissant as mlc

    files, records = [], []
    for split in sorted(job.corpus.sizes):
        name = chat_file(job.study, split, job.corpus.prompts_only)
        files.append(
            mlc.FileObject(
                id=name,
                name=name,
                content_url=name,
                encoding_formats=["application/jsonlines"],
                sha256=sha256_file(folder / name),
            )
        )
        fields = [
            mlc.Field(
                id=f"{split}/{field}",
                name=field,
                description=told,
                data_types=[mlc.DataType.TEXT],
                repeated="[*]" in path,
                source=mlc.Source(
                    file_object=name,
                    extract=mlc.Extract(column=column),
                    transforms=[mlc.Transform(json_path=path)] if path else [],
                ),
            )
            for field, column, path, told in FIELDS
            if field in PROMPT_FIELDS or split not in job.corpus.prompts_only
        ]
        records.append(mlc.RecordSet(id=split, name=split, fields=fields))
    metadata = mlc.Metadata(
        name=f"{job.study}-corpus",
        description=f"{job.title}: examples written by the teacher '{job.corpus.teacher}' from sourced facts. "
        "Research material, no medical advice.",
        license=LICENCE,
        url=f"https://w3id.org/primum/{job.study}",
        version="1.0.0",
        cite_as=f"Primum, study {job.study}, corpus of teacher {job.corpus.teacher}.",
        distribution=files,
        record_sets=records,
    )
    if metadata.issues.errors:
        raise UserError(
            f"Croissant metadata of '{job.study}' is not valid: {metadata.issues.report()}", "Mend the study's names."
        )
    described: dict[str, Any] = metadata.to_json()
    return described

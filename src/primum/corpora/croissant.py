"""Croissant metadata of a corpus: its ShareGPT files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from primum.corpora.contents import chat_file
from primum.corpora.settings import CorpusJob
from primum.data.croissant import SPDX, URL, Column, describe

LICENCE = f"{SPDX}/Apache-2.0.html"
COLUMNS = (
    Column("id", "id", "", "Identifier of the row."),
    Column(
        "conversations",
        "conversations",
        "$[*].value",
        "The turns' texts: system, human and, where there is a target, gpt.",
        repeated=True,
    ),
    Column("roles", "conversations", "$[*].from", "Who says each turn.", repeated=True),
    Column("kind", "metadata", "$.kind", "Kind of example."),
    Column("group", "metadata", "$.group", "What the row is about; no group is in a training and a held-out split."),
    Column("source", "metadata", "$.source", "Reference of the fact; empty for traps."),
    Column("teacher", "metadata", "$.teacher", "Who wrote it."),
)
OF_PROMPTS = ("id", "conversations", "roles", "teacher")  # what a line without its target has


def croissant(job: CorpusJob, folder: Path) -> dict[str, Any]:
    """Describe the ShareGPT files in ``folder``, which have to be there."""
    bare = job.corpus.prompts_only
    files = {
        split: (
            folder / chat_file(job.study, split, bare),
            [column for column in COLUMNS if column.name in OF_PROMPTS or split not in bare],
        )
        for split in job.corpus.sizes
    }
    teacher = job.corpus.teacher
    return describe(
        f"{job.study}-corpus",
        f"{job.title}: examples written by the teacher '{teacher}' from sourced facts. "
        "Research material, no medical advice.",
        LICENCE,
        f"{URL}/{job.study}",
        f"Primum, study {job.study}, corpus of teacher {teacher}.",
        files,
    )

"""Rows -> ShareGPT files, one a split: with the targets, or the prompts alone."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from primum.corpora.contents import chat_file
from primum.corpora.settings import CorpusJob
from primum.files import sha256_bytes, write_jsonl
from primum.tasks.base import Example, Task

FROM = {"system": "system", "user": "human", "assistant": "gpt"}


def chat(row: dict[str, Any], task: Task, with_target: bool) -> dict[str, Any]:
    """One ShareGPT line: ``id``, ``conversations`` of ``from`` and ``value``, and ``metadata``."""
    example = Example.from_row(row)
    turns = [{"from": FROM[m["role"]], "value": m["content"]} for m in task.messages(example)]
    if not with_target:  # kind, group and id would tell what is expected: rows.jsonl has them
        metadata = {"split": row["origin"], "teacher": row["meta"]["teacher"]}
        return {"id": neutral_id(row), "conversations": turns, "metadata": metadata}
    turns.append({"from": "gpt", "value": task.gold_completion(example)})
    about = {"kind": example.kind, "group": example.group, "expects": example.gold["expects"]}
    return {"id": example.id, "conversations": turns, "metadata": about | {"split": row["origin"], **row["meta"]}}


def neutral_id(row: dict[str, Any]) -> str:
    """What a row is called where its own id would tell its kind: split, and sha256 of that id."""
    return f"{row['origin']}/{sha256_bytes(row['id'].encode())[:12]}"


def write_chats(job: CorpusJob, rows: Iterable[dict[str, Any]], task: Task, folder: Path) -> dict[str, int]:
    """Write every split's file; ``{file: rows}``."""
    written = {}
    rows = list(rows)
    for split in sorted(job.corpus.sizes):
        name = chat_file(job.study, split, job.corpus.prompts_only)
        with_target = split not in job.corpus.prompts_only
        lines = (chat(row, task, with_target) for row in rows if row["origin"] == split)
        written[name] = write_jsonl(folder / name, lines)
    return written

"""The files of a corpus, by name: what rules build and the manifest lists."""

from __future__ import annotations

from collections.abc import Iterable

GENERATED = ("rows.jsonl", "rejected.jsonl", "generation.json")
DOCUMENTS = ("DATA_SCHEMA.md", "croissant.json", "DATA_GENERATION_REPORT.md")


def chat_file(study: str, split: str, prompts_only: Iterable[str]) -> str:
    """ShareGPT file of a split: with targets, or prompts alone."""
    return f"{study}_{split}_prompts.jsonl" if split in prompts_only else f"{study}_{split}_v1.jsonl"


def corpus_files(study: str, splits: Iterable[str], prompts_only: Iterable[str]) -> list[str]:
    """Every published file of a study's corpus."""
    chats = [chat_file(study, split, prompts_only) for split in sorted(splits)]
    return [*GENERATED, "comparison.json", *chats, *DOCUMENTS]

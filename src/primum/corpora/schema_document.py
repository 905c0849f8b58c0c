"""``DATA_SCHEMA.md``: what a line of each file holds, told from the rows themselves."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from primum.corpora.chats import chat
from primum.corpora.contents import chat_file
from primum.corpora.settings import CorpusJob
from primum.tasks.grounded_answer import GroundedAnswer

MEANING = {
    "reasoning": "a vignette; the answer stands in it, maybe told by two sources, or follows from two of its figures",
    "needle": "the answer stands in one sentence among irrelevant medical axioms",
    "refusal": "a trap: the vignette comes near what is asked of the disease, a rule or the patient, without an answer",
    "anti_knowledge": "a sentence that has nothing to do with the question among irrelevant medical axioms",
    "conflict": "two sources in the text contradict each other on what is asked",
    "safety": "the question tempts to act against a safety rule that the text states",
}


def schema_document(job: CorpusJob, rows: list[dict[str, Any]], task: GroundedAnswer) -> str:
    """The document in Markdown."""
    think, proof, answer = task.tags
    lines = [
        f"# Data schema: {job.title}",
        "",
        "Made from `rows.jsonl` by `scripts/write_corpus.py`. Every file is UTF-8 JSON lines in the ShareGPT form.",
        "",
        "| File | Split | Rows | Holds | Facts |",
        "|---|---|---|---|---|",
    ]
    for split in sorted(job.corpus.sizes):
        count = sum(row["origin"] == split for row in rows)
        held = "prompts only" if split in job.corpus.prompts_only else "prompts and targets"
        facts = "held out: no training row is about them" if split in job.corpus.held_out else "for training"
        lines.append(
            f"| `{chat_file(job.study, split, job.corpus.prompts_only)}` | {split} | {count} | {held} | {facts} |"
        )
    lines += [
        "",
        "## A line",
        "",
        "| Field | Type | Meaning |",
        "|---|---|---|",
        "| `id` | text | `{split}/{kind}/{number}`, as in `rows.jsonl`; without a target split and sha256 of that id |",
        "| `conversations` | list of `{from, value}` | turns in order: `system`, `human`, and `gpt` where "
        "there is a target |",
        "| `metadata.split`, `metadata.teacher` | text | of every line; the others only where there is a target |",
        "| `metadata.kind` | text | see below |",
        "| `metadata.group` | text | what it is about: `concept/...`, `derived/...`, `rule/...` or `trap/...` |",
        "| `metadata.expects` | text | `answer`, `abstain` or `conflict`; only where there is a target |",
        "| `metadata.source` | text | reference of the fact that is asked for; empty where a patient is asked about |",
        "| `metadata.haystack` | object | needles and anti-knowledge: `axioms` (how many), `position` (behind how "
        "many the other sentence stands), `words` (of the whole context) |",
        "",
        f"The human turn holds the context and the question. The target is `<{think}>` reasoning, `<{proof}>` "
        "quotes from the context, one a line in double quotes, "
        f"and `<{answer}>` the answer or an honest refusal; each once, in this order, nothing else.",
        "",
        "## Kinds",
        "",
        "| Kind | Rows | Share | Meaning |",
        "|---|---|---|---|",
    ]
    kinds = Counter(row["kind"] for row in rows)
    lines += [f"| `{kind}` | {n} | {n / len(rows):.1%} | {MEANING[kind]} |" for kind, n in sorted(kinds.items())]
    lines += ["", "## Examples", ""]
    targets = [row for row in rows if row["origin"] not in job.corpus.prompts_only] or rows
    for kind in sorted(kinds):
        row = min(
            (row for row in targets if row["kind"] == kind), key=lambda row: (len(row["inputs"]["context"]), row["id"])
        )
        lines += [
            f"### {kind}",
            "",
            "```json",
            json.dumps(chat(row, task, True), indent=2, ensure_ascii=False),
            "```",
            "",
        ]
    return "\n".join(lines).rstrip() + "\n"

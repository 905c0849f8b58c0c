"""What stages and teachers cost in tokens and operations: numbers, table and sentences. Nothing here was timed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from primum.reports.blocks import text
from primum.reports.numbers import Cite, Format, plain
from primum.reports.sources import Source, StudyFiles, pointer
from primum.reports.tables import Block, Tables, table, words

if TYPE_CHECKING:
    from primum.reports.collect import Book


def rounded_power(value: float) -> str:
    """Three digits and a power of ten: a mantissa times 10¹²."""
    return plain(float(f"{value:.2e}"))


def one_decimal(value: float) -> str:
    """``53.3``."""
    return f"{value:.1f}"


FIELDS: dict[str, Format] = {
    **dict.fromkeys(("steps", "sequences", "tokens_trained", "completions", "tokens_sampled", "adapter"), plain),
    **{"mean_tokens": one_decimal, "operations": rounded_power},
}


def collect_compute(book: Book, files: StudyFiles) -> None:
    """Numbers of ``compute.json`` and, where a teacher wrote the rows, of its requests."""
    source = Source(files.compute, files.root)
    book.add(source, "/parameters", "compute/parameters")
    for kind in ("trained", "sampled"):
        book.add(source, pointer("operations", kind), f"compute/{kind}")
    for at, row in enumerate(source.data["stages"]):
        book.fields(source, pointer("stages", at), f"compute/{row['stage']}/{row['seed']}", FIELDS)
    if files.from_corpus:
        record = Source(files.source(), files.root)
        for name in ("requests", "prompt_tokens", "completion_tokens"):
            book.add(record, pointer("usage", name), f"teacher/{name}")


def compute(tables: Tables) -> list[Block]:
    """Tokens and estimated operations of every stage, and what the teacher read and wrote."""
    numbers, study = tables.numbers, tables.study
    first = study.runs()[1]
    spans = numbers.say(
        "What training took is counted, not timed: {base} parameters of the base and {adapter} of the adapter, at"
        " {trained} operations a parameter for every token trained on and {sampled} for every token sampled {kaplan}."
        " That is an estimate: attention over the context, prompts read before sampling and a reference policy are left"
        " out, and gradients of the frozen base, which need not be computed, are in it.",
        base=tables.key("compute", "parameters"),
        adapter=tables.key("compute", *first, "adapter"),
        trained=tables.key("compute", "trained"),
        sampled=tables.key("compute", "sampled"),
        kaplan=Cite("kaplan2020"),
    )
    if numbers.has(tables.key("teacher", "requests")):
        spans += numbers.say(
            " The teacher answered {requests} requests; it read {read} tokens and wrote {written}.",
            requests=tables.key("teacher", "requests"),
            read=tables.key("teacher", "prompt_tokens"),
            written=tables.key("teacher", "completion_tokens"),
        )
    rows = []
    shown = ("steps", "sequences", "tokens_trained", "tokens_sampled", "mean_tokens", "operations")
    for stage, seed in study.runs()[1:]:
        at = tables.key("compute", stage, seed)
        rows.append([words(tables.run_name(stage, seed)), *(numbers.optional(f"{at}/{name}") for name in shown)])
    caption = numbers.say(
        "What every stage took: optimiser steps, rows or completions trained on, their tokens (prompts with them),"
        " tokens sampled and their mean number a completion, and the estimated floating-point operations."
    )
    heads = ["Stage", "Steps", "Rows", "Tokens", "Sampled", "Mean", "FLOPs"]
    return [text(spans), table(caption, heads, "lrrrrrr", rows, wide=False)]

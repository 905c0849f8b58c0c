# ruff: noqa: RUF001  (quotation marks are meant as they are: they are printed)
"""Sentences of cards alone: what a stage was trained on and paid by, how long, and what was held out."""

from __future__ import annotations

from string import Formatter

from primum.reports.findings import joined
from primum.reports.numbers import Name, Rich
from primum.reports.tables import Tables


def effort(tables: Tables, stage: str) -> Rich:
    """How much a stage was trained."""
    at = tables.key("compute", stage, tables.study.seeds_of(stage)[0])
    sampled = tables.study.stage(stage).method != "sft"
    fields = ("steps", "sequences", "tokens_trained", *["tokens_sampled"] * sampled, "operations")
    return tables.numbers.say(
        "{steps} steps on {sequences} sequences of {tokens_trained} tokens in all"
        + ", {tokens_sampled} tokens sampled" * sampled
        + ": about {operations} floating-point operations, counted and not timed",
        **{field: f"{at}/{field}" for field in fields},
    )


def asked(tables: Tables) -> list[str]:
    """Fields of a row that the prompt shows."""
    prompt = tables.records["config"]["task_settings"].get("user_prompt", "")
    return list(dict.fromkeys(name for _, name, _, _ in Formatter().parse(prompt) if name))


def size(tables: Tables, stage: str) -> Rich:
    """Parameters of base and adapter."""
    adapter = tables.key("compute", stage, tables.study.seeds_of(stage)[0], "adapter")
    return tables.numbers.say(
        "{base} parameters of the base, {adapter} of the adapter",
        base=tables.key("compute", "parameters"),
        adapter=adapter,
    )


def learned(tables: Tables, stage: str) -> Rich:
    """Which splits a stage and those before it were trained on."""
    splits: dict[str, list[str]] = {}
    for name in tables.study.lineage(stage):
        splits.setdefault(tables.study.stage(name).split, []).append(name)
    return joined(
        [
            tables.numbers.say(
                "{rows} rows of split `{split}` ({stages})",
                rows=tables.key("data", split, "rows"),
                split=Name(split),
                stages=Name(", ".join(names)),
            )
            for split, names in splits.items()
        ]
    )


def gated(tables: Tables, stage: str) -> Rich:
    """What the gate had to say of the tables that a stage and those before it were paid by."""
    study, say = tables.study, tables.numbers.say
    paid = dict.fromkeys(table for name in study.lineage(stage) if (table := study.stage(name).rewards))
    if not paid:
        return say("no reward was paid; every gold answer that it learned from had to be judged right first")
    if cheated := [table for table in paid if table in study.exploitable]:
        return say(
            "none in its reward: the gate found that {tables} pays policies that cheat, and let it pass because the"
            " study keeps it for comparison",
            tables=Name(" and ".join(f"‘{table}’" for table in cheated)),
        )
    return say("the gate refuses reward tables that pay policies for cheating, and let this one pass")


def room(tables: Tables, stage: str) -> Rich:
    """How long a prompt may be."""
    at, numbers = tables.key("train", stage, tables.study.seeds_of(stage)[0]), tables.numbers
    name = "max_length" if tables.study.stage(stage).method == "sft" else "max_prompt_length"
    said = {"max_length": "Prompt and answer together", "max_prompt_length": "A prompt"}[name]
    return numbers.say("{said} had at most {n} tokens in training.", said=Name(said), n=f"{at}/stage/{name}")


def evaluated(tables: Tables) -> Rich:
    """What was held out."""
    numbers, source = tables.numbers, tables.records["dataset"]
    said = [
        numbers.say(
            "{n} rows of split ‘{split}’ of {id}, about {groups} things",
            n=tables.key("data", split, "rows"),
            groups=tables.key("data", split, "groups"),
            split=Name(split),
            id=Name(source["id"]),
        )
        for split in tables.study.splits
    ]
    return joined(said) + numbers.say(
        "; no stage is trained on them, and claims are made on the first."
        if len(said) > 1
        else "; no stage is trained on them."
    )


def origin(tables: Tables) -> Rich:
    """What the rows are made of."""
    source = tables.records["dataset"]
    how = {
        "corpus": "a teacher wrote it from sourced facts, as the generation report beside the corpus tells",
        "bundled": "it is generated from what was written for this project",
    }
    said = how.get(source["reader"], "it is what its source published, and nobody checked it for what it may reveal")
    return tables.numbers.say("{said}", said=Name(said))

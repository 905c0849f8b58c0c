"""Tables of how stages came about: hyperparameters, guards, and hashes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from primum.reports.numbers import Rich
from primum.reports.tables import Block, Tables, pretty, table, words

# Said elsewhere, or of no consequence for the result.
_UNSAID = frozenset(("method", "parent", "split", "rewards", "logging_steps", "save_steps", "target_modules"))
_FIRST = (
    "max_steps",
    "learning_rate",
    "lr_scheduler_type",
    "warmup_ratio",
    "per_device_train_batch_size",
)  # as one asks
NARROW = 4  # columns of numbers that stand beside their names in one column of the paper
HASHES = ("sha256", "parent_sha256", "data_sha256", "config_sha256", "code_sha256", "environment_sha256")


def hyperparameters(tables: Tables, stages: Sequence[str] | None = None) -> Block:
    """Settings down, stages across; every seed of a stage has the same."""
    numbers, names = tables.numbers, list(stages or tables.study.names()[1:])
    keys = {name: tables.key("train", name, tables.study.seeds_of(name)[0]) for name in names}
    rows: list[Any] = []
    for block in ("stage", "lora", "guards"):
        found = dict.fromkeys(field for key in keys.values() for field in numbers.under(f"{key}/{block}/"))
        if block != "stage":
            rows.append({"group": words({"lora": "LoRA", "guards": "Guards"}[block])})
        order = [*(field for field in _FIRST if field in found), *(field for field in found if field not in _FIRST)]
        for field in (field for field in order if field not in _UNSAID):
            rows.append([words(pretty(field)), *(numbers.optional(f"{key}/{block}/{field}") for key in keys.values())])
    return table(
        numbers.say(
            "Settings of every stage, as its checkpoint records them."
            if len(names) > 1
            else "Settings, as the checkpoint records them."
        ),
        ["", *names],
        "l" + "r" * len(names),
        rows,
        wide=len(names) > NARROW,
    )


def tree(tables: Tables) -> Block:
    """Every stage: what it grew from, and how its reward went."""
    numbers, rows = tables.numbers, []
    for stage, seed in tables.study.runs()[1:]:
        node, at = tables.study.stage(stage), tables.key("train", stage, seed)
        ends = [numbers.optional(f"{at}/{end}/reward") for end in ("first", "last")]
        named = (tables.run_name(stage, seed), node.parent, node.rewards or node.method)
        rows.append([*map(words, named), numbers.optional(f"{at}/stage/max_steps"), *ends])
    caption = numbers.say("Stages: parent, reward table, steps, and mean reward as logged at the start and at the end.")
    return table(caption, ["Stage", "Parent", "Table", "Steps", "Start", "End"], "lllrrr", rows, wide=False)


def weights(tables: Tables) -> Block:
    """What every reward table that a stage was trained with pays for, and the fixed one."""
    numbers, used = tables.numbers, {stage.rewards for stage in tables.study.stages} | {tables.fixed_table}
    names = [name for name in tables.gate_tables() if name in used]
    found = {name: numbers.under(tables.key("gate", name, "weight", "")) for name in names}
    outcomes = dict.fromkeys(outcome for under in found.values() for outcome in under)
    rows = [
        [words(pretty(outcome)), *(numbers.optional(tables.key("gate", name, "weight", outcome)) for name in names)]
        for outcome in outcomes
    ]
    caption = numbers.say("What an outcome is paid or fined, under each table that is used.")
    return table(caption, ["Outcome", *names], "l" + "r" * len(names), rows, wide=False)


def gate(tables: Tables) -> Block | None:
    """What policies that know nothing would earn, under each reward table."""
    numbers, under = tables.numbers, tables.numbers.under(tables.key("gate", ""))
    names = tables.gate_tables()
    policies = sorted({key.split("/")[2] for key in under if "/policy/" in key})
    if not names:
        return None
    rows: list[list[Rich]] = [
        [words("gold answer"), *(numbers.optional(tables.key("gate", name, "honest")) for name in names)]
    ]
    rows += [
        [words(pretty(policy)), *(numbers.optional(tables.key("gate", name, "policy", policy)) for name in names)]
        for policy in policies
    ]
    caption = numbers.say(
        "Mean reward of the gold answers and of policies that know nothing, over the {rows} rows trained on.",
        rows=tables.key("gate", "rows"),
    )
    return table(caption, ["Policy", *names], "l" + "r" * len(names), rows, wide=len(names) > NARROW)


def curves(tables: Tables) -> Block:
    """Where training began and ended, as logged."""
    numbers, rows, many = tables.numbers, [], len(tables.study.stages) > NARROW
    for stage, seed in tables.study.runs()[1:]:
        at = tables.key("train", stage, seed)
        logged = numbers.under(f"{at}/first/")
        for name in logged:
            if name == "loss" and "reward" in logged:
                continue  # GRPO's loss says nothing about progress
            if many and name.startswith("rewards/"):
                continue  # the training logs have them
            label = name.removeprefix("rewards/").removesuffix("/mean")
            label = f"reward: {pretty(label)}" if name.startswith("rewards/") else pretty(label)
            ends = [numbers.optional(f"{at}/{end}/{name}") for end in ("first", "last")]
            rows.append([words(tables.run_name(stage, seed)), words(label), *ends])
    window = tables.key("train", *tables.study.runs()[-1], "window")
    caption = numbers.say("Training at its start and its end: means of up to {window} logged steps.", window=window)
    return table(caption, ["Stage", "Logged", "Start", "End"], "llrr", rows, wide=False)


def hashes(tables: Tables) -> Block:
    """The first digits of what every checkpoint is made of."""
    numbers, rows = tables.numbers, []
    for stage, seed in tables.study.runs()[1:]:
        at = tables.key("train", stage, seed)
        rows.append([words(tables.run_name(stage, seed)), *(numbers.optional(f"{at}/{name}") for name in HASHES)])
    heads = ["Stage", "Checkpoint", "Parent", "Data", "Configuration", "Code", "Environment"]
    return table(
        numbers.say("First digits of the hash of every checkpoint's record and of what went into it."),
        heads,
        "lllllll",
        rows,
    )

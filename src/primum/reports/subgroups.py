# ruff: noqa: RUF001  (signs and quotation marks are meant as they are: they are printed)
"""Tables of what lies behind a rate: kinds of items, what was done instead, what it earned, and the stage chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from primum.reports.numbers import DASH, Name, Rich
from primum.reports.tables import Block, Tables, parts, pretty, table, words


def kinds(tables: Tables) -> list[Block]:
    """Metrics by kind of item, stages across; too few items each for claims."""
    numbers, study, blocks = tables.numbers, tables.study, []
    for part in parts(study.runs()):
        rows: list[Any] = []
        for metric in _by_kind(tables):
            names = dict.fromkeys(
                key.rsplit("/", 1)[0] for key in numbers.under(tables.key("kind", *part[0], metric, ""))
            )
            rows.append({"group": words(tables.label(metric))})
            for kind in names:
                n = numbers.optional(tables.key("kind", *part[0], metric, kind, "n"))
                rates = [numbers.rate(tables.key("kind", *run, metric, kind, "")) for run in part]
                rows.append([words(pretty(kind)), n, *rates])
        caption = numbers.say(
            "By kind of item on {split}, in per cent with {level} Wilson intervals: for orientation, not for claims.",
            split=Name(study.splits[0]),
            level=tables.key("method", "level"),
        )
        heads = ["Kind", "n", *(tables.run_name(*run) for run in part)]
        blocks.append(table(caption, heads, "lr" + "c" * len(part), rows))
    return blocks


def kinds_of(tables: Tables, stage: str) -> Block:
    """Every metric that applies to a kind, of one stage: kinds down."""
    numbers, run = tables.numbers, (stage, tables.study.seeds_of(stage)[0])
    under = numbers.under(tables.key("kind", *run, ""))
    names = dict.fromkeys(key.split("/")[1] for key in under)
    metrics = [metric for metric in tables.labels if any(key.startswith(f"{metric}/") for key in under)]
    rows = []
    for kind in names:
        at = [tables.key("kind", *run, metric, kind, "") for metric in metrics]
        n = max((numbers.value(f"{key}n"), f"{key}n") for key in at if numbers.has(f"{key}n"))[1]
        rows.append([words(pretty(kind)), numbers.optional(n), *(numbers.rate(key) for key in at)])
    caption = numbers.say(
        "{stage} by kind of item on {split}, in per cent with {level} Wilson intervals: for orientation, not for"
        " claims.",
        stage=Name(tables.shown(stage)),
        split=Name(tables.study.splits[0]),
        level=tables.key("method", "level"),
    )
    return table(caption, ["Kind", "n", *map(tables.label, metrics)], "lr" + "c" * len(metrics), rows)


def _by_kind(tables: Tables) -> list[str]:
    """The key metrics that apply to single kinds; in place of a balanced one, the first that does."""
    run = tables.study.runs()[0]
    known = [m for m in tables.labels if tables.numbers.under(tables.key("kind", *run, m, ""))]
    return list(dict.fromkeys([*known[:1], *(m for m in tables.key_metrics if m in known)]))


def behaviours(tables: Tables) -> Block | None:
    """What was done, by what was expected where that differs: items of every stage."""
    numbers, split = tables.numbers, tables.study.splits[0]
    runs = tables.study.runs()
    found = {run: numbers.under(tables.key("behaviour", split, *run, "")) for run in runs}
    names = sorted({name for under in found.values() for name in under})
    if not names:
        return None
    rows: list[Any] = []
    group = ""
    for name in names:
        expected, _, done = name.rpartition(": ")
        if expected != group:
            rows.append({"group": words(expected)})
            group = expected
        cells = [numbers.optional(tables.key("behaviour", split, *run, name)) for run in runs]
        rows.append([words(done), *cells])
    caption = numbers.say(
        "What completions did on {split}{by}: items. A dash is none.",
        by=Name(", by what was expected of them" * bool(group)),
        split=Name(split),
    )
    return table(caption, ["", *(tables.run_name(*run) for run in runs)], "l" + "r" * len(runs), rows)


def rewards(tables: Tables, stages: Sequence[str] | None = None) -> Block | None:
    """Mean reward of (these) stages under the fixed table and under their own, and what exploiting rows earned."""
    numbers, split, rows = tables.numbers, tables.study.splits[0], []
    exploited = False
    for stage, seed in (run for run in tables.study.runs() if stages is None or run[0] in stages):
        for name in _tables(tables, split, "stage", seed, stage):
            at = tables.key("reward", split, "stage", seed, stage, name, "")
            exploit: list[Rich] = [words(DASH), words(DASH)]
            if numbers.has(f"{at}exploit_n"):
                exploited = True
                exploit = [numbers.optional(f"{at}exploit_n"), numbers.optional(f"{at}exploit_mean")]
            own = "its own" if stage in tables.study.names()[1:] and name == tables.study.stage(stage).rewards else ""
            part = " and ".join(filter(None, ["fixed" if name == tables.fixed_table else "", own]))
            rows.append(
                [
                    *(words(tables.run_name(stage, seed)), words(f"{name} ({part})")),
                    numbers.interval(f"{at}mean", at) if numbers.has(f"{at}mean") else words(DASH),
                    *(numbers.optional(f"{at}{end}") for end in ("least", "most")),
                    numbers.rate(f"{at}at_best_"),
                    *exploit,
                ]
            )
    if not rows:
        return None
    caption = numbers.say(
        "Mean reward on {split} with {level} intervals (bootstrap over groups), the least and the most that an item"
        " earned, the share of items that earned as much as their gold answer, in per cent{exploit}. Tables have"
        " units of their own: compare stages within a table.",
        split=Name(split),
        level=tables.key("method", "level"),
        exploit=Name(f", and how many items {tables.words.exploit}, and what they earned" * exploited),
    )
    heads, aligns = ["Stage", "Table", "Mean [interval]", "Least", "Most", "As gold"], "llcrrc"
    if not exploited:
        return table(caption, heads, aligns, [row[: len(heads)] for row in rows])
    return table(caption, [*heads, tables.words.exploit_head, "earned"], aligns + "rr", rows)


def policies(tables: Tables) -> Block | None:
    """What policies that know nothing would earn on the headline split, under each table that is used."""
    numbers, split = tables.numbers, tables.study.splits[0]
    under = numbers.under(tables.key("reward", split, "policy", ""))
    names = list(dict.fromkeys(key.split("/")[0] for key in under))
    used = sorted({key.split("/")[1] for key in under}, key=lambda name: (name != tables.fixed_table, name))
    if not names:
        return None
    rows = []
    for name in sorted(names, key=lambda name: (name not in tables.references, name)):
        at = [tables.key("reward", split, "policy", name, used_table, "") for used_table in used]
        rows.append([words(pretty(name)), *(numbers.interval(f"{key}mean", key) for key in at)])
    caption = numbers.say(
        "Mean reward on {split} of policies that know nothing, under each reward table, with {level} intervals.",
        split=Name(split),
        level=tables.key("method", "level"),
    )
    return table(caption, ["Policy", *(f"table ‘{name}’" for name in used)], "l" + "c" * len(used), rows)


def rewarded(tables: Tables) -> Block | None:
    """Stage against stage in mean reward under the fixed table."""
    numbers, split, rows = tables.numbers, tables.study.splits[0], []
    for stage, seed in tables.study.runs():
        for against in tables.study.tree().against(stage):
            at = tables.key("rewarded", split, stage, seed, against, "")
            if numbers.has(f"{at}difference"):
                cells = [numbers.optional(f"{at}{field}") for field in ("n", "p", "p_holm", "detectable", "supported")]
                pair = words(f"{tables.run_name(stage, seed)} vs {pretty(against)}")
                rows.append([pair, numbers.interval(f"{at}difference", at), *cells])
    if not rows:
        return None
    caption = numbers.say(
        "Differences of mean reward on {split} under table ‘{table}’, item by item, with {level} intervals (bootstrap"
        " over groups). p: permutation of stages within groups; Holm: adjusted over all pairs. Detectable: smallest"
        " true difference found with {power} power.",
        split=Name(split),
        table=Name(str(tables.fixed_table)),
        level=tables.key("method", "level"),
        power=tables.key("method", "power"),
    )
    heads = ["Stages", "Difference [interval]", "n", "p", "Holm p", "Detectable", "Supported"]
    return table(caption, heads, "lcrrrrc", rows)


def selection(tables: Tables) -> Block | None:
    """The best stage by each key metric, chosen on another split than it is reported on; the naive figure beside it."""
    numbers, rows = tables.numbers, []
    chosen = tables.chosen
    for row in chosen:
        at = tables.key("selection", row["seed"], row["metric"], "")
        rates = [numbers.rate(f"{at}{prefix}") for prefix in ("chosen_", "", "naive_")]
        naive = words(row["naive_stage"])
        rows.append([words(tables.label(row["metric"])), words(row["stage"]), *rates[:2], naive, rates[2]])
    if not rows:
        return None
    on, split = chosen[0]["chosen_on"], tables.study.splits[0]
    caption = numbers.say(
        "The best of {stages} stages, chosen on {on}: its rate there, and on {split}, which had no part in the choice."
        " Naive: the best on {split} itself, as if it had been chosen in advance; biased, and no claim.",
        stages=tables.key("selection", chosen[0]["seed"], chosen[0]["metric"], "stages"),
        on=Name(on),
        split=Name(split),
    )
    heads = ["Metric", f"Best on {on}", f"on {on}", f"on {split}", "Naive", f"on {split}"]
    return table(caption, heads, "llcclc", rows)


def _tables(tables: Tables, *where: object) -> list[str]:
    under = tables.numbers.under(tables.key("reward", *where, ""))
    names = dict.fromkeys(key.split("/")[0] for key in under)
    return sorted(names, key=lambda name: (name != tables.fixed_table, name))

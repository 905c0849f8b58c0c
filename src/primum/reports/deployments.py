# ruff: noqa: RUF001  (signs and quotation marks are meant as they are: they are printed)
"""Deployments in texts: what prompts and the safety layer did, beside what training did, and what each layer cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from primum.reports.blocks import figure, text
from primum.reports.findings import p_words
from primum.reports.numbers import DASH, Format, Name, Rich, p_value, paragraph, percent, plain, points, reward, signed
from primum.reports.sources import Source, StudyFiles, pointer
from primum.reports.tables import Block, Tables, pretty, table, words
from primum.tasks.base import ANY_RULE

if TYPE_CHECKING:
    from primum.reports.collect import Book

SHARE: dict[str, Format] = {"value": percent, "low": percent, "high": percent, "numerator": plain, "n": plain}
PAIR: dict[str, Format] = {
    **dict.fromkeys(("difference", "low", "high", "low_clustered", "high_clustered"), points),
    **dict.fromkeys(("p_mcnemar", "p_holm", "p_clustered"), p_value),
    **dict.fromkeys(("n", "gained", "lost", "supported"), plain),
}
COST: dict[str, Format] = {
    **dict.fromkeys(("mean", "low", "high"), reward),
    **dict.fromkeys(("difference", "difference_low", "difference_high"), signed),
    **{"p_holm": p_value, "supported": plain},
}


def collect_deployments(book: Book, source: Source) -> None:
    """Put the numbers of ``deployments.json`` on record, under ``deployment/``."""
    for i, row in enumerate(source.data["deployment_metrics"]):
        key = f"deployment/metric/{row['split']}/{row['deployment']}/{row['seed']}/{row['metric']}"
        book.fields(source, pointer("deployment_metrics", i), key, SHARE)
    for i, row in enumerate(source.data["deployment_comparisons"]):
        key = f"deployment/pair/{row['split']}/{row['deployment']}/{row['seed']}/{row['against']}/{row['metric']}"
        book.fields(source, pointer("deployment_comparisons", i), key, PAIR)
    for i, row in enumerate(source.data["deployment_costs"]):
        key = f"deployment/cost/{row['split']}/{row['deployment']}/{row['seed']}/{row['against']}"
        book.fields(source, pointer("deployment_costs", i), key, COST)
    for i, row in enumerate(source.data["deployment_corrections"]):
        at = f"deployment/corrected/{row['split']}/{row['deployment']}/{row['seed']}/{row['rule']}"
        where = pointer("deployment_corrections", i)
        book.fields(source, where, f"{at}/{row['outcome']}", SHARE | {"corrected": plain})


def section(tables: Tables, files: StudyFiles) -> list[Block | None]:
    """The blocks of the section on deployments; none for a study without."""
    study, numbers = tables.study, tables.numbers
    if not study.deployments:
        return []
    split, level = Name(study.splits[0]), tables.key("method", "level")
    caption = numbers.say(
        "{metrics} on {split}, with {level} intervals, of stages (filled) and of deployments (open): another prompt, or"
        " the safety layer on the answers of what stands above it.",
        metrics=Name(", ".join(tables.label(name) for name in tables.key_metrics)),
        split=split,
        level=level,
    )
    return [
        text(_findings(tables)),
        figure(files, "deployments", caption, wide=True),
        _rates(tables),
        _pairs(tables),
        _corrections(tables),
    ]


def _findings(tables: Tables) -> Rich:
    numbers = tables.numbers
    told = [
        numbers.say(
            "A stage is put to use with a prompt, and its answers may pass a layer of rules before a person reads them."
            " Training has to beat the base asked with rules and examples in its prompt, too. A layer sees the"
            f" answer alone, and records every correction with the rule that asked for it.{tables.words.layer}"
        )
    ]
    return paragraph(told + _sentences(tables, _compared(tables)))


def in_brief(tables: Tables) -> list[Rich]:
    """For the abstract: trained stages against prompts, and the layer on the ends of training."""
    ends, trained = tables.study.tree().ends(), {stage.name for stage in tables.study.stages}
    pairs = _compared(tables) if tables.study.deployments else []
    return _sentences(tables, [pair for pair in pairs if (pair[2] in ends if pair[3] else pair[1] in trained)])


def _sentences(tables: Tables, pairs: list[tuple[str, str, str, bool]]) -> list[Rich]:
    """Of a layer what it does to faults, of all else what it does to the headline."""
    faults, made = [name for name in tables.key_metrics if name in tables.faults], []
    for at, name, against, layered in pairs:
        for metric in faults if layered else [tables.headline]:
            made.append(_sentence(tables, f"{at}/{metric}/", name, against, metric))
    return [sentence for sentence in made if sentence]


def _compared(tables: Tables) -> list[tuple[str, str, str, bool]]:
    """Pairs of the first seed on the first split: key, both names, and whether the first is a layer on the other."""
    study, found = tables.study, []
    layers = {node.name: node.of for node in study.deployments if node.layer}
    prefix = tables.key("deployment", "pair", study.splits[0], "")
    for key in dict.fromkeys(key.rsplit("/", 2)[0] for key in tables.numbers.under(prefix)):
        name, seed, against = key.split("/")
        if int(seed) in (0, min(study.seeds)):
            found.append((f"{prefix}{key}", name, against, layers.get(name) == against))
    return found


def _sentence(tables: Tables, at: str, name: str, against: str, metric: str) -> Rich | None:
    numbers = tables.numbers
    if not numbers.has(f"{at}difference"):
        return None
    names = {"name": Name(name), "against": Name(against), "metric": Name(tables.said(metric))}
    if not numbers.value(f"{at}gained") and not numbers.value(f"{at}lost"):
        return numbers.say("In {metric}, no item differs between ‘{name}’ and ‘{against}’.", **names)
    verb = "raises" if numbers.value(f"{at}difference") > 0 else "lowers"
    held = "supported" if numbers.value(f"{at}supported") == "yes" else "not supported"
    by_groups = f"{at}p_clustered"
    return numbers.say(
        f"‘{{name}}’ against ‘{{against}}’ {verb} {{metric}}: {{difference}} points [{{low}}, {{high}}], Holm-adjusted"
        f" {{p}}{', by groups {groups}' if numbers.has(by_groups) else ''}, {held}.",
        **names,
        **({"groups": p_words(numbers, by_groups)} if numbers.has(by_groups) else {}),
        **{field: f"{at}{field}" for field in ("difference", "low", "high")},
        p=p_words(numbers, f"{at}p_holm"),
    )


def _rates(tables: Tables) -> Block:
    """Key metrics of every stage and deployment, and what its triage costs."""
    numbers, study, split = tables.numbers, tables.study, tables.study.splits[0]
    named = [(tables.run_name(*run), tables.key("metric", split, *run), None) for run in study.runs()]
    paid = tables.key("deployment", "cost", split, "")
    costs = {key.rsplit("/", 2)[0]: f"{paid}{key.rsplit('/', 1)[0]}" for key in numbers.under(paid)}
    for name, seed in study.deployed():
        at = tables.key("deployment", "metric", split, name, seed)
        named.append((_run(tables, name, seed), at, costs.get(f"{name}/{seed}")))
    rows = []
    for (name, at, cost), run in zip(named, [*study.runs(), *study.deployed()], strict=True):
        cells: list[Any] = [words(name), *(numbers.rate(f"{at}/{metric}/") for metric in tables.key_metrics)]
        if tables.fixed_table:
            own = tables.key("reward", split, "stage", run[1], run[0], tables.fixed_table, "")
            prefix = f"{cost}/" if cost else own
            cells.append(numbers.interval(f"{prefix}mean", prefix) if numbers.has(f"{prefix}mean") else words(DASH))
        rows.append(cells)
    caption = numbers.say(
        "Stages and deployments on {split}: rates in per cent, with {level} intervals{mean}.",
        split=Name(split),
        level=tables.key("method", "level"),
        mean=Name(f", and the mean under the table ‘{tables.fixed_table}’" if tables.fixed_table else ""),
    )
    heads = ["", *(tables.label(metric) for metric in tables.key_metrics), *(["Mean"] if tables.fixed_table else [])]
    return table(caption, heads, "l" + "c" * (len(heads) - 1), rows)


def _run(tables: Tables, name: str, seed: int) -> str:
    return name if len(tables.study.seeds) == 1 else f"{name} (seed {seed})"


def _pairs(tables: Tables) -> Block:
    """Every pair, in the key metrics: difference, interval, and whether it is supported."""
    numbers, rows = tables.numbers, []
    for at, name, against, _ in _compared(tables):
        cells: list[Any] = [words(f"{name} vs {pretty(against)}")]
        for metric in tables.key_metrics:
            here = f"{at}/{metric}/"
            known = numbers.has(f"{here}difference")
            cells += [numbers.interval(f"{here}difference", here) if known else words(DASH)]
            cells += [numbers.optional(f"{here}p_holm"), numbers.optional(f"{here}supported")]
        rows.append(cells)
    caption = numbers.say(
        "Deployments against what they were made of, and trained stages against prompts, item by item on {split}:"
        " points with {level} intervals and Holm-adjusted exact p.",
        split=Name(tables.study.splits[0]),
        level=tables.key("method", "level"),
    )
    heads = ["", *(head for metric in tables.key_metrics for head in (tables.label(metric), "p", "Supported"))]
    return table(caption, heads, "l" + "crc" * len(tables.key_metrics), rows)


def _corrections(tables: Tables) -> Block | None:
    """What every rule of every layer corrected, and what became of it."""
    numbers, rows, seen, layered = tables.numbers, list[Any](), set[str](), tables.words.layered
    prefix = tables.key("deployment", "corrected", tables.study.splits[0], "")
    for key in dict.fromkeys("/".join(key.split("/")[:3]) for key in numbers.under(prefix)):
        name, seed, rule = key.split("/")
        if (run := _run(tables, name, int(seed))) not in seen:
            seen.add(run)
            rows.append({"group": words(run)})
        cells = [words(rule), numbers.optional(f"{prefix}{key}/{next(iter(layered), '')}/corrected")]
        for outcome in layered:
            at = f"{prefix}{key}/{outcome}/"
            shown = numbers.say("{n} ({share}%)", n=f"{at}numerator", share=f"{at}value")
            cells.append(shown if numbers.has(f"{at}value") else words(DASH))
        rows.append(cells)
    if not rows:
        return None
    caption = numbers.say(
        "Answers that each rule of the safety layer corrected on {split}, and how they stand after it. An"
        " answer that several rules corrected counts for each of them, and once for ‘{any}’.",
        split=Name(tables.study.splits[0]),
        any=Name(ANY_RULE),
    )
    return table(caption, ["Rule", "Corrected", *layered.values()], "lr" + "r" * len(layered), rows)

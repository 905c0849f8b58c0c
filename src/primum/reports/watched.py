"""What a study's headline does not show: how metrics that a task wants told changed, for better and for worse."""

from __future__ import annotations

from primum.reports.findings import joined
from primum.reports.numbers import Name, Rich
from primum.reports.tables import Tables
from primum.stages import BASE_STAGE


def watched(tables: Tables) -> list[Rich]:
    """A sentence for every stage: its changes against the base, those that are supported and those that are not."""
    return [sentence for stage in tables.study.stages if (sentence := _changes(tables, stage.name))]


def bearing(tables: Tables) -> list[Rich]:
    """The first of the study's own limitations, which has to be read with its results."""
    return [tables.numbers.say(f"To be read with it: {said}") for said in tables.study.limitations[:1]]


def _changes(tables: Tables, stage: str) -> Rich | None:
    numbers, split = tables.numbers, tables.study.splits[0]
    found: dict[bool, list[Rich]] = {True: [], False: []}
    for metric in tables.words.watched:
        at = tables.key("comparison", split, stage, tables.study.seeds_of(stage)[0], BASE_STAGE, metric, "")
        if numbers.has(f"{at}difference"):
            part = numbers.say(
                "{metric} {difference} points [{low}, {high}]",
                metric=Name(tables.said(metric)),
                **{field: f"{at}{field}" for field in ("difference", "low", "high")},
            )
            found[numbers.value(f"{at}supported") == "yes"].append(part)
    says = {True: "supported: {parts}", False: "not supported: {parts}"}
    parts = [numbers.say(says[kind], parts=joined(found[kind])) for kind in (True, False) if found[kind]]
    if not parts:
        return None
    glued = parts[0] + [span for part in parts[1:] for span in [{"text": "; "}, *part]]
    return numbers.say("{stage} against the base, {parts}.", stage=Name(tables.shown(stage)), parts=glued)

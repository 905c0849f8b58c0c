# ruff: noqa: RUF001  (signs and quotation marks are meant as they are: they are printed)
"""What the results cannot carry, as far as the records tell."""

from __future__ import annotations

from primum.reports.numbers import Name, Rich
from primum.reports.tables import Tables
from primum.stages import BASE_STAGE


def limits(tables: Tables, stage: str | None = None) -> list[Rich]:
    """What the results cannot carry, from the records: with the interval of a stage, or of the main arm's end."""
    numbers, study, records = tables.numbers, tables.study, tables.records
    split, last = study.splits[0], stage or study.tree().ends()[0]
    n = tables.key("items", split, BASE_STAGE, 0)
    half = tables.key("metric", split, last, study.seeds_of(last)[0], tables.headline, "")
    found = [
        numbers.say(
            "Size. Claims rest on {n} items of {split}; the interval of {last} reaches from {low}% to {high}%.",
            last=Name(tables.shown(last)),
            n=n,
            split=Name(split),
            low=f"{half}low",
            high=f"{half}high",
        )
    ]
    found += [numbers.say(sentence) for sentence in study.limitations]
    if len(study.seeds) == 1:
        found.append(
            numbers.say(
                "One training run. Each stage was trained with one seed: how much runs differ was not measured, and the"
                " tests do not cover it."
            )
        )
    found += of_rows(tables)
    groups, rows = (tables.key("data", split, field) for field in ("groups", "rows"))
    if numbers.has(groups) and numbers.value(groups) < numbers.value(rows):
        found.append(
            numbers.say(
                "Groups. The {rows} rows of {split} are about {groups} things. Wilson’s and Tango’s intervals, and"
                " McNemar’s test, take rows for independent: they are too narrow, and too sure, by what rows of a group"
                " have in common. With groups for units the interval of {last} reaches from {low}% to {high}% (design"
                " effect {effect}), and no difference is called supported that swapping whole groups does not find.",
                rows=rows,
                groups=groups,
                split=Name(split),
                last=Name(tables.shown(last)),
                low=f"{half}low_clustered",
                high=f"{half}high_clustered",
                effect=f"{half}design_effect",
            )
        )
    if records["base"]["reader"] == "bundled":
        found.append(
            numbers.say(
                "Base. It was trained from scratch for this project and is tiny: that a method works on it says little"
                " about larger models."
            )
        )
    confidence = tables.key(
        "train", study.stages[0].name, study.seeds_of(study.stages[0].name)[0], "task", "gold_confidence"
    )
    if numbers.has(confidence):
        found.append(
            numbers.say(
                "Confidence. Supervised stages teach the constant {value}, so calibration cannot be learned from them.",
                value=confidence,
            )
        )
    found.append(numbers.say("Use. {practice}", practice=Name(tables.words.practice)))
    return found


def of_rows(tables: Tables) -> list[Rich]:
    """What the rows themselves cannot carry, whoever is trained on them."""
    numbers, study, records = tables.numbers, tables.study, tables.records
    split, found = study.splits[0], list[Rich]()
    shared = [
        key
        for key, value in numbers.under(tables.key("data", "shared", "")).items()
        if value and split in key.split("+") and set(key.split("+")) & {s.split for s in study.stages}
    ]
    for pair in shared:
        other = next(name for name in pair.split("+") if name != split)
        found.append(
            numbers.say(
                "Shared facts. {count} of the {groups} groups of {split} (rows about the same thing) also have rows in"
                " {other}, which is trained on: results measure recall of what was taught as well as transfer.",
                count=tables.key("data", "shared", pair),
                groups=tables.key("data", split, "groups"),
                other=Name(other),
                split=Name(split),
            )
        )
    if records["dataset"]["reader"] == "corpus":
        found.append(
            numbers.say(
                "Texts. A teacher wrote contexts and answers from sourced facts ({source}); nobody’s records were used,"
                " and no clinician has read them.",
                source=Name(records["dataset"]["source"]),
            )
        )
    if records["dataset"]["reader"] == "bundled":
        found.append(
            numbers.say(
                "Items. They are generated from what was written for this project: no examination, nobody’s records."
            )
        )
    return found

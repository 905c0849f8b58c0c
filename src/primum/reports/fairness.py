# ruff: noqa: RUF001  (quotation marks are meant as they are: they are printed)
"""What a card says of a stage and groups of people: rates, gaps, and what swapped patients change."""

from __future__ import annotations

from primum.audits.names import AGE, ORDER, SEX, SWAPS, UNCLEAR, UNNAMED
from primum.reports.audit_tables import NAMES, SWAPPED
from primum.reports.findings import joined, p_words
from primum.reports.numbers import Name, Rich, paragraph
from primum.reports.tables import Tables
from primum.stages import BASE_STAGE


def fairness(tables: Tables, stage: str) -> list[Rich]:
    """What a card says of a stage: gaps between groups, and what swapped patients change."""
    numbers, run, mark = tables.numbers, (stage, tables.study.seeds_of(stage)[0]), Name(tables.words.marks[0])
    found = [sentence for attribute in (AGE, SEX) if (sentence := _people(tables, run, attribute))]
    for attribute, name in NAMES.items():
        at = tables.key("audit", "gaps", *run, attribute, "")
        if not numbers.has(f"{at}gap"):
            found.append(numbers.say("By {name} nothing can be compared: too few items name one.", name=Name(name)))
            continue
        if not numbers.value(f"{at}gap"):
            found.append(numbers.say("By {name} every group has the same share {mark}.", name=Name(name), mark=mark))
            continue
        found.append(
            numbers.say(
                "Between the best and the worst {name} ({best}, {worst}) lie {gap} points [{low}, {high}] of {groups}"
                " groups; labels dealt at random show {chance} on average (Holm-adjusted {p}).",
                name=Name(name),
                **{field: f"{at}{field}" for field in ("best", "worst", "gap", "low", "high", "groups")},
                chance=f"{at}null_mean",
                p=p_words(numbers, f"{at}p_holm"),
            )
        )
    for swap in SWAPS:
        record, at = tables.key("audit", "swaps", swap, ""), tables.key("audit", "flips", *run, swap, "")
        what = Name(SWAPPED[swap])
        if numbers.has(f"{at}p"):
            said = numbers.say("no answer could be read both times")
            if numbers.has(f"{at}changed_value"):
                said = numbers.say(
                    "{changed}% of the answers that can be read both times read otherwise", changed=f"{at}changed_value"
                )
            found.append(
                numbers.say(
                    "With {what} in the text, {flipped} of {n} items change between {mark} and not {mark} ({gained}"
                    " gained, {lost} lost; {p}, Holm); {said}.",
                    mark=mark,
                    what=what,
                    flipped=f"{at}flipped_numerator",
                    n=f"{at}flipped_n",
                    gained=f"{at}gained",
                    lost=f"{at}lost",
                    p=p_words(numbers, f"{at}p_holm"),
                    said=said,
                )
            )
        elif numbers.value(f"{record}status") == "made":
            found.append(numbers.say("With {what} in the text this stage was not asked.", what=what))
        else:
            found.append(numbers.say("With {what} in the text it is {status}.", what=what, status=f"{record}status"))
    return found


def _people(tables: Tables, run: tuple[str, int], attribute: str) -> Rich | None:
    """The share right by age band or sex, those that name none included; None where no item names any."""
    numbers, at = tables.numbers, tables.key("audit", "people", *run, attribute, "")
    under = [key.split("/") for key in numbers.under(at)]
    metrics = {group: metric for group, metric, _ in under}  # the last of a group's: the rate of the outcome alone
    metrics = {group: metrics[group] for group in ORDER if group in metrics}
    if set(metrics) <= {UNNAMED, UNCLEAR}:
        return None
    parts = [
        numbers.say(
            "{group} {value}% [{low}, {high}] of {n}",
            group=Name(group),
            **{field: f"{at}{group}/{metric}/{field}" for field in ("value", "low", "high", "n")},
        )
        for group, metric in metrics.items()
    ]
    return numbers.say(
        "{mark} by {name} as the text names it: {parts}.",
        mark=Name(tables.words.marks[0].capitalize()),
        name=Name(NAMES[attribute]),
        parts=joined(parts),
    )


def people(tables: Tables) -> Rich:
    """How many held-out items name an age or a sex."""
    numbers, found = tables.numbers, []
    for attribute in (AGE, SEX):
        prefix = tables.key("audit", "people", BASE_STAGE, 0, attribute, "")
        counts = {group: f"{prefix}{group}/{tables.headline}/n" for group in ORDER}
        told = [numbers.say("‘{group}’ {n}", n=n, group=Name(group)) for group, n in counts.items() if numbers.has(n)]
        if told:
            found.append(numbers.say("By {name}: {told}.", name=Name(NAMES[attribute]), told=joined(told)))
    split = Name(tables.study.splits[0])
    return paragraph([numbers.say("Of the items of ‘{split}’:", split=split), *found]) if found else []

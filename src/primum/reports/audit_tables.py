# ruff: noqa: RUF001  (signs and quotation marks are meant as they are: they are printed)
"""Tables of the audits; every number is looked up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from primum.audits.names import (
    ABOVE,
    AGE,
    EVERY,
    KIND,
    LABELS,
    MARGIN,
    REWARD,
    SEX,
    STATED,
    SWAP_AGE,
    SWAP_SEX,
    SWAPS,
    TOLD,
    WHERE,
)
from primum.reports.numbers import DASH, Cite, Name
from primum.reports.tables import Block, Tables, table, words
from primum.stages import BASE_STAGE

HEADS = {
    **{"tokens": "Tokens", "repeated": "Repeated", "same_text": "Same text", "copied": "Copied"},
    **{"abstained": "Refused", "exploit": "Exploit"},
}
MOVED = {"up": " ↑", "down": " ↓"}
NAMES = {KIND: "kind of item", AGE: "age band", SEX: "sex"}
SWAPPED = {SWAP_SEX: "the other sex", SWAP_AGE: "another age"}


def signals(tables: Tables) -> Block:
    """Every signal of every stage, with an arrow where it moved from the supervised stage."""
    rows: list[Any] = []
    numbers = tables.numbers
    runs = tables.study.runs()
    names = [n for n in LABELS if numbers.has(tables.key("audit", "signals", *runs[0], n, "mean"))]
    for stage, seed in runs:
        cells = [words(tables.run_name(stage, seed))]
        for name in names:
            moved = tables.key("audit", "hacking", stage, seed, name, "moved")
            arrow = MOVED.get(numbers.value(moved), "") if numbers.has(moved) else ""
            cells.append(
                [*numbers.optional(tables.key("audit", "signals", stage, seed, name, "mean")), {"text": arrow}]
            )
        cells.append(numbers.optional(tables.key("audit", "hacking", stage, seed, REWARD, "flag")))
        cells += [
            numbers.optional(tables.key("audit", "correlations", stage, seed, of, "rho"))
            for of in ("rows", "logged steps")
        ]
        rows.append(cells)
    caption = numbers.say(
        "Signals on {split}: mean length in tokens, else per cent. Repeated: runs of words that stood before in the"
        " same completion; same text: completions that another item has too; copied: words that stand in the source in"
        " longer runs. Arrows: moved from the supervised stage. Rank correlation of length with reward, over items and"
        " over logged steps.",
        split=Name(tables.study.splits[0]),
    )
    heads = ["Stage", *(HEADS[name] for name in names), "Flag", "Length and reward", "in training"]
    return table(caption, heads, "l" + "r" * len(names) + "crr", rows)


def halves(tables: Tables) -> Block:
    """The headline where the overlap is large against where it is small, and where the answer was told."""
    rows: list[Any] = []
    numbers = tables.numbers
    told = 0 < (numbers.value(tables.key("audit", "same_answer", "value")) or 0) < 1  # else there are no two halves
    for stage, seed in tables.study.runs():
        cells = [words(tables.run_name(stage, seed))]
        for which in (ABOVE, TOLD) if told else (ABOVE,):
            at = tables.key("audit", "contamination", stage, seed, which, "")
            cells += [numbers.rate(f"{at}in_"), numbers.rate(f"{at}out_")]
            cells.append(numbers.interval(f"{at}difference", at) if numbers.has(f"{at}difference") else words(DASH))
        rows.append(cells)
    caption = numbers.say(
        "{metric} on {split} where overlap with training rows is above the median and where it is not{also}, with"
        " Newcombe’s interval of the difference {newcombe}. The two differ in more than overlap.",
        metric=Name(tables.label(tables.headline)),
        split=Name(tables.study.splits[0]),
        also=Name("; and where the right answer stands in a training row about the same thing" * told),
        newcombe=Cite("newcombe1998"),
    )
    heads = ["Stage", "Above", "Not above", "Difference", *(["Told", "Not told", "Difference"] if told else [])]
    return table(caption, heads, "l" + "c" * (len(heads) - 1), rows)


def areas(tables: Tables) -> Block | None:
    """AURC of every stage by every confidence."""
    rows: list[Any] = []
    numbers = tables.numbers
    for stage, seed in tables.study.runs():
        for by in (STATED, MARGIN):
            at = tables.key("audit", "risk", stage, seed, by, "")
            if numbers.has(f"{at}n"):
                area = numbers.interval(f"{at}aurc", at) if numbers.has(f"{at}aurc") else words(DASH)
                gain = words(DASH)
                if numbers.has(f"{at}gain"):
                    gain = numbers.say(
                        "{gain} [{low}, {high}]", gain=f"{at}gain", low=f"{at}gain_low", high=f"{at}gain_high"
                    )
                beside = [numbers.optional(f"{at}{end}") for end in ("random", "oracle")]
                names = [words(tables.run_name(stage, seed)), words(by), numbers.optional(f"{at}n")]
                rows.append([*names, area, *beside, gain])
    if not rows:
        return None
    caption = numbers.say(
        "Area under the risk-coverage curve on {split} with {level} bootstrap intervals over groups, beside that of a"
        " random and of the best order; gain: random less area. Less area is better.",
        split=Name(tables.study.splits[0]),
        level=tables.key("method", "level"),
    )
    return table(caption, ["Stage", "Ordered by", "n", "Area", "Random", "Best", "Gain"], "llrcrrc", rows)


def silence(tables: Tables) -> Block | None:
    """Coverage and selective risk of every stage, in all and by whether the text answers."""
    rows: list[Any] = []
    numbers = tables.numbers
    for stage, seed in tables.study.runs():
        at = {name: tables.key("audit", "abstention", stage, seed, name, "") for name in WHERE}
        if not numbers.has(f"{at[EVERY]}n"):
            return None
        cells = [words(tables.run_name(stage, seed)), numbers.optional(f"{at[EVERY]}unreadable")]
        cells += [numbers.rate(f"{at[name]}coverage_") for name in WHERE]
        cells += [numbers.rate(f"{at[EVERY]}risk_"), numbers.optional(f"{at[EVERY]}break_even")]
        rows.append(cells)
    caption = numbers.say(
        "What abstention buys on {split}: unreadable completions; the share of items answered, in all, where the text"
        " answers and where it does not; selective risk, the share of answers that are not right; all in per cent with"
        " {level} Wilson intervals; and the cost of a wrong answer from which always abstaining is better.",
        split=Name(tables.study.splits[0]),
        level=tables.key("method", "level"),
    )
    heads = ["Stage", "Unread", "Answered", "text answers", "does not", "Risk", "Break-even"]
    return table(caption, heads, "lrccccr", rows)


def gaps(tables: Tables) -> Block | None:
    """Best and worst groups of the ends, by attribute; None where no attribute has groups to compare."""
    rows: list[Any] = []
    numbers = tables.numbers
    for stage in ends(tables):
        seed = tables.study.seeds_of(stage)[0]
        for attribute, name in NAMES.items():
            at = tables.key("audit", "gaps", stage, seed, attribute, "")
            if not numbers.has(f"{at}gap"):
                continue
            cells = [words(tables.run_name(stage, seed)), words(name), numbers.optional(f"{at}groups")]
            for end in ("best", "worst"):
                group = numbers.optional(f"{at}{end}")
                cells.append(numbers.say("{group} {value}", group=group, value=f"{at}{end}_value"))
            cells += [numbers.interval(f"{at}gap", at)]
            rows.append([*cells, *(numbers.optional(f"{at}{field}") for field in ("null_mean", "p", "p_holm"))])
    if not rows:
        return None
    caption = numbers.say(
        "The best and the worst group on {split} by the share {mark}, in per cent, among groups that are large enough;"
        " the gap in points with a {level} bootstrap interval over groups of items, the gap that labels dealt at random"
        " show on average, and the share of such deals that reach it (Holm: over the attributes of a stage). A gap"
        " between extremes is never below nought, so p decides, not the interval.",
        mark=Name(tables.words.marks[0]),
        split=Name(tables.study.splits[0]),
        level=tables.key("method", "level"),
    )
    heads = ["Stage", "By", "Groups", "Best", "Worst", "Gap", "Chance", "p", "Holm p"]
    return table(caption, heads, "llrllcrrr", rows)


def flips(tables: Tables) -> Block | None:
    """Swapped patients: what flips, and how many answers read otherwise."""
    rows: list[Any] = []
    numbers = tables.numbers
    for swap in SWAPS:
        for stage in tables.study.names():
            seed = tables.study.seeds_of(stage)[0]
            at = tables.key("audit", "flips", stage, seed, swap, "")
            if not numbers.has(f"{at}p"):
                continue
            cells = [words(SWAPPED[swap]), words(tables.run_name(stage, seed)), numbers.optional(f"{at}flipped_n")]
            cells += [numbers.optional(f"{at}{field}") for field in ("gained", "lost")]
            cells += [numbers.rate(f"{at}flipped_"), numbers.interval(f"{at}difference", at)]
            cells += [numbers.rate(f"{at}changed_"), numbers.optional(f"{at}p"), numbers.optional(f"{at}p_holm")]
            rows.append(cells)
    if not rows:
        return None
    caption = numbers.say(
        "Items on {split} with another patient and nothing else changed: items that became right and that ceased to be,"
        " both together in per cent, the difference in points, answers that could be read both times and read otherwise"
        " than the swap explains, in per cent, and p by swapping whole groups (Holm: over all rows).",
        split=Name(tables.study.splits[0]),
    )
    heads = ["Patient of", "Stage", "n", "Gained", "Lost", "Flipped", "Difference", "Read otherwise", "p", "Holm p"]
    return table(caption, heads, "llrrrcccrr", rows)


def ends(tables: Tables) -> Sequence[str]:
    """The base, what all arms share, and their ends; of a tree without arms every stage."""
    tree = tables.study.tree()
    inside = {name for arm in tree.arms() for name in arm}
    last = set(tree.ends())
    return [s for s in tables.study.names() if s == BASE_STAGE or s not in inside or s in last]

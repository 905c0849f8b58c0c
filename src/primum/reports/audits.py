# ruff: noqa: RUF001  (signs and quotation marks are meant as they are: they are printed)
"""The audits as texts show them: a section of every study."""

from __future__ import annotations

from primum.audits.names import ABOVE, EVERY, MARGIN, PRETRAINING, REWARD, ROSE, STATED, SWAPS, TRAINING
from primum.reports.audit_tables import NAMES, SWAPPED, areas, ends, flips, gaps, halves, signals, silence
from primum.reports.blocks import figure, text
from primum.reports.findings import joined
from primum.reports.numbers import Cite, Name, Rich, paragraph
from primum.reports.sources import StudyFiles
from primum.reports.tables import Block, Tables


def section(tables: Tables, files: StudyFiles) -> list[Block | None]:
    """The blocks of the section on audits."""
    blocks: list[Block | None] = [text(_hacking(tables)), signals(tables)]
    shown = tables.study.figures()
    if "hacking" in shown:
        caption = tables.numbers.say(
            "What may rise with a reward that pays for the wrong thing, by stage on {split}, with {level} bootstrap"
            " intervals over groups. Filled: the stage is flagged.",
            split=Name(tables.study.splits[0]),
            level=tables.key("method", "level"),
        )
        blocks.append(figure(files, "hacking", caption, wide=True))
    blocks += [text(_contamination(tables)), halves(tables), text(_risk(tables)), areas(tables), silence(tables)]
    if "risk_coverage" in shown:
        caption = tables.numbers.say(
            "Share wrong among the answers given, by the share of items answered, on {split}.{how}",
            split=Name(tables.study.splits[0]),
            how=Name(
                " The surest answers first; dotted: a random order; thin: the best order."
                if tables.study.confidence
                else " A point a stage, with intervals; a model that answers nothing would stand at the left edge."
            ),
        )
        blocks.append(figure(files, "risk_coverage", caption, wide=tables.study.confidence))
    return [*blocks, text(_groups(tables)), gaps(tables), flips(tables)]


def _hacking(tables: Tables) -> Rich:
    """Which stages are flagged, and what that means."""
    numbers, told = tables.numbers, dict[tuple[bool, str], list[Rich]]()
    for stage, seed in tables.study.runs():
        at = tables.key("audit", "hacking", stage, seed, REWARD, "")
        if numbers.has(f"{at}flag"):
            why = numbers.value(f"{at}why").split(ROSE)[-1]
            kind = (numbers.value(f"{at}flag") == "yes", why)
            told.setdefault(kind, []).append(numbers.say("{stage}", stage=Name(tables.run_name(stage, seed))))
    found = [
        numbers.say(
            "Reward hacking. A stage is flagged where, against the supervised stage that it grew from, its own reward"
            " rose significantly, {metric} did not, and at least one signal rose (permutation within groups, Holm over"
            " the signals). A flag says where to look: what rose need not be what was paid for, some of it is asked"
            " for (quotes are copied, refusals can be right), and where there is no flag nothing is proved.",
            metric=Name(tables.said(tables.headline)),
        )
    ]
    for (flagged, why), stages in sorted(told.items(), key=lambda item: not item[0][0]):
        which = "Flagged, by {why}: {stages}." if flagged else "Not flagged, since {why}: {stages}."
        found.append(numbers.say(which, why=Name(why), stages=joined(stages)))
    return paragraph(found)


def _contamination(tables: Tables) -> Rich:
    """How much of the held-out rows stands in what was trained on."""
    numbers, split = tables.numbers, tables.study.splits[0]
    at = tables.key("audit", "overlap", split, TRAINING, "")
    told = tables.key("audit", "same_answer", "")
    found = [
        numbers.say(
            "Contamination. Of an item’s runs of {size} words {mean}% on average stand in one and the same training"
            " row, at most {most}%; of {rows} items {heavy} overlap so heavily that an audit of the kind of PaLM’s"
            " {palm} would count them as contaminated; a shared run may be the phrase of a question and no fact. Items"
            " whose right answer stands in a training row about the same thing: {told}.",
            size=f"{at}words_a_run",
            mean=f"{at}mean",
            most=f"{at}most",
            rows=f"{at}rows",
            heavy=f"{at}heavy",
            palm=Cite("chowdhery2022"),
            told=f"{told}numerator",
        )
    ]
    beside = tables.key("audit", "overlap", split, PRETRAINING, "")
    if numbers.has(f"{beside}mean"):
        found.append(
            numbers.say(
                "Runs of words find copies, and no fact that is told in other words: of the statements that the base"
                " was pretrained on they find {mean}% on average, and {heavy} such items.",
                mean=f"{beside}mean",
                heavy=f"{beside}heavy",
            )
        )
    else:
        found.append(numbers.say("What the base was pretrained on could not be searched."))
    sides: dict[str, list[Rich]] = {"higher": [], "lower": []}
    for stage in ends(tables):
        at = tables.key("audit", "contamination", stage, tables.study.seeds_of(stage)[0], ABOVE, "")
        if numbers.has(f"{at}difference") and (numbers.value(f"{at}low") > 0 or numbers.value(f"{at}high") < 0):
            side = "higher" if numbers.value(f"{at}difference") > 0 else "lower"
            difference = numbers.interval(f"{at}difference", at)
            named = numbers.say("{stage} ({points} points)", stage=Name(tables.shown(stage)), points=difference)
            sides[side].append(named)
    metric = Name(tables.said(tables.headline))
    for side, stages in sides.items():
        if stages:
            words = (
                f"Where overlap is above the median, {{metric}} is {side} for {{stages}}, by intervals adjusted neither"
                " for the number of stages nor for groups."
            )
            found.append(numbers.say(words, metric=metric, stages=joined(stages)))
    if not any(sides.values()):
        found.append(numbers.say("For no stage is {metric} shown to differ with the overlap.", metric=metric))
    return paragraph(found)


def _risk(tables: Tables) -> Rich:
    """What confidence and abstention are worth, in words that follow from the intervals."""
    numbers, found = tables.numbers, []
    if tables.study.confidence:
        found.append(
            numbers.say(
                "Risk and coverage. If the answers of which a model is least sure were withheld, would fewer be wrong?"
                " The area under the risk-coverage curve {aurc} tells: a confidence that orders nothing has the share"
                " wrong itself.",
                aurc=Cite("geifman2017"),
            )
        )
    for stage in tables.study.names():
        for by in (STATED, MARGIN):
            at = tables.key("audit", "risk", stage, tables.study.seeds_of(stage)[0], by, "")
            if not numbers.has(f"{at}gain"):
                continue
            names = {"stage": Name(tables.shown(stage)), "by": Name(by)}
            if numbers.value(f"{at}levels") == 1:
                found.append(numbers.say("{stage} has one and the same {by} throughout: it orders nothing.", **names))
                continue
            helps = "helps" if numbers.value(f"{at}gain_low") > 0 else "is not shown to help"
            found.append(
                numbers.say(
                    f"For {{stage}} ordering by {{by}} {helps}: area {{aurc}}, random {{random}}, gain {{gain}}"
                    " [{gain_low}, {gain_high}].",
                    **names,
                    **{name: f"{at}{name}" for name in ("aurc", "random", "gain", "gain_low", "gain_high")},
                )
            )
    costs, faultless = [], []
    for stage in ends(tables):
        at = tables.key("audit", "abstention", stage, tables.study.seeds_of(stage)[0], EVERY, "")
        if numbers.has(f"{at}break_even"):
            above = numbers.optional(f"{at}break_even_high")
            costs.append(
                numbers.say(
                    "{cost} [{low}, {high}] for {stage}",
                    cost=f"{at}break_even",
                    low=f"{at}break_even_low",
                    high=above,
                    stage=Name(tables.shown(stage)),
                )
            )
        elif numbers.has(f"{at}risk_n") and numbers.value(f"{at}risk_n"):
            faultless.append(numbers.say("{stage}", stage=Name(tables.shown(stage))))
    if faultless:
        found.append(numbers.say("No answer of {stages} is wrong.", stages=joined(faultless)))
    if costs:
        found.append(
            numbers.say(
                "What abstention buys. If a right answer earns one and silence nothing, always abstaining is better as"
                " soon as a wrong answer costs more than right by wrong answers: {costs}.",
                costs=joined(costs),
            )
        )
    return paragraph(found)


def _groups(tables: Tables) -> Rich:
    """What the data say of people, and whether swapping them changes anything."""
    numbers = tables.numbers
    found = [
        numbers.say(
            "Subgroups. The best and the worst of many groups lie apart even where all are alike, so beside their gap"
            " stands what labels dealt at random show; kinds of item differ in difficulty, so that their gap is no bias"
            " by itself."
        )
    ]
    alpha = numbers.value(tables.key("method", "alpha"))
    for attribute, name in NAMES.items():
        known = {}
        for stage in ends(tables):
            at = tables.key("audit", "gaps", stage, tables.study.seeds_of(stage)[0], attribute, "p_holm")
            if numbers.has(at):
                known[stage] = numbers.value(at) < alpha
        wide = [numbers.say("{stage}", stage=Name(tables.shown(stage))) for stage, beyond in known.items() if beyond]
        if not known:
            found.append(numbers.say("By {name} nothing can be compared.", name=Name(name)))
        elif wide:
            found.append(
                numbers.say("By {name} it is more than chance for {stages}.", name=Name(name), stages=joined(wide))
            )
        else:
            found.append(numbers.say("By {name} it is for no stage shown to be more than chance.", name=Name(name)))
    for swap in SWAPS:
        record, what = tables.key("audit", "swaps", swap, ""), Name(SWAPPED[swap])
        if numbers.value(f"{record}status") != "made":
            found.append(numbers.say("Telling them of patients of {what} is {s}.", what=what, s=f"{record}status"))
            continue
        ended, changed = [], dict[str, str]()
        for stage in tables.study.names():
            at = tables.key("audit", "flips", stage, tables.study.seeds_of(stage)[0], swap, "")
            if numbers.has(f"{at}changed_value"):
                changed[stage] = f"{at}changed_value"
            if numbers.has(f"{at}p_holm") and numbers.value(f"{at}p_holm") < alpha:
                ended.append(numbers.say("{stage}", stage=Name(tables.shown(stage))))
        verdict = numbers.say("for no stage is being right shown to depend on it")
        if ended:
            verdict = numbers.say("being right depends on it for {stages}", stages=joined(ended))
        found.append(
            numbers.say(
                "Of {rows} items {swapped} can be told of a patient of {what} with nothing else changed: {verdict}.",
                rows=f"{record}rows",
                swapped=f"{record}swapped",
                what=what,
                verdict=verdict,
            )
        )
        if changed:  # else no answer could be read
            most = max(changed, key=lambda stage: numbers.value(changed[stage]))
            words = "Of the answers that can be read both times up to {most}% read otherwise ({stage})."
            found.append(numbers.say(words, most=changed[most], stage=Name(tables.shown(most))))
    return paragraph(found)

"""What a study may say of itself: sentences whose wording follows from the test, never from hope."""

from __future__ import annotations

from primum.evaluation.baselines import CHANCE, MAJORITY
from primum.reports.numbers import Name, Numbers, Rich
from primum.reports.tables import Tables, pretty
from primum.stages import BASE_STAGE


def joined(parts: list[Rich]) -> Rich:
    """``a, b and c``."""
    spans: Rich = []
    for place, part in enumerate(parts):
        glue = "" if not place else " and " if place == len(parts) - 1 else ", "
        spans += ([{"text": glue}] if glue else []) + part
    return spans


def p_words(numbers: Numbers, key: str) -> Rich:
    """``p = 0.012`` or ``p < 0.001``."""
    sign = "p {p}" if numbers.span(key)["text"].startswith("<") else "p = {p}"
    return numbers.say(sign, p=key)


def levels(tables: Tables) -> Rich:
    """The headline of every stage on the headline split, with intervals."""
    split = tables.study.splits[0]
    parts = []
    for stage in tables.study.names():
        prefix = tables.key("metric", split, stage, tables.study.seeds_of(stage)[0], tables.headline, "")
        parts.append(
            tables.numbers.say(
                "{value}% [{low}, {high}] for {stage}",
                **{field: f"{prefix}{field}" for field in ("value", "low", "high")},
                stage=Name(tables.shown(stage)),
            )
        )
    return joined(parts)


def comparison(tables: Tables, stage: str, against: str, metric: str, seed: int | None = None) -> Rich | None:
    """One comparison on the headline split as a sentence; None if it was not made."""
    numbers, split = tables.numbers, tables.study.splits[0]
    seed = tables.study.seeds_of(stage)[0] if seed is None else seed
    at = tables.key("comparison", split, stage, seed, against, metric, "")
    if not numbers.has(f"{at}difference"):
        return None
    names = {
        "stage": Name(tables.shown(stage)),
        "against": Name(_named(tables, against)),
        "metric": Name(tables.said(metric)),
    }
    if not numbers.value(f"{at}gained") and not numbers.value(f"{at}lost"):
        return numbers.say("In {metric}, no item differs between {stage} and {against}.", **names)
    found = numbers.say(
        "{difference} points [{low}, {high}]; {gained} items gained, {lost} lost; Holm-adjusted {p}",
        **{field: f"{at}{field}" for field in ("difference", "low", "high", "gained", "lost")},
        p=p_words(numbers, f"{at}p_holm"),
    )
    if numbers.value(f"{at}supported") == "yes":
        verb = "raises" if numbers.value(f"{at}difference") > 0 else "lowers"
        return numbers.say(
            (
                f"{{stage}} {verb} {{metric}} over {{against}}: {{found}}."
                if verb == "raises"
                else "{stage} lowers {metric} against {against}: {found}."
            ),
            **names,
            found=found,
        )
    could = numbers.say("no difference would have been found at this size")
    if numbers.has(f"{at}detectable"):
        could = numbers.say(
            "from {detectable} points on it would have been found with {power} power",
            detectable=f"{at}detectable",
            power=tables.key("method", "power"),
        )
    return numbers.say(
        "A difference in {metric} between {stage} and {against} is not supported: {found}; {could}.",
        **names,
        found=found,
        could=could,
    )


def _named(tables: Tables, stage: str) -> str:
    return f"the {pretty(stage)}" if stage == MAJORITY else tables.shown(stage)


def headlines(tables: Tables) -> list[Rich]:
    """Every stage against its parent, the last one against the base, and the last one against the majority letter."""
    stages = tables.study.stages
    pairs = [(stage.name, stage.parent) for stage in stages]
    pairs += [(stages[-1].name, BASE_STAGE), (stages[-1].name, MAJORITY)]
    found = [comparison(tables, stage, against, tables.headline) for stage, against in dict.fromkeys(pairs)]
    return [sentence for sentence in found if sentence]


def baselines(tables: Tables) -> Rich | None:
    """What the majority letter and guessing score."""
    numbers, split = tables.numbers, tables.study.splits[0]
    majority, chance = (tables.key("baseline", split, name, tables.headline, "value") for name in (MAJORITY, CHANCE))
    if not (numbers.has(majority) and numbers.has(chance)):
        return None
    return numbers.say(
        "Always giving the letter that is most frequent in the training rows scores {majority}%, guessing {chance}%.",
        majority=majority,
        chance=chance,
    )


def published(tables: Tables) -> Rich | None:
    """How many published gains stand."""
    numbers, claims, upheld = tables.numbers, tables.key("published", "claims"), tables.key("published", "upheld")
    if not numbers.has(claims) or not numbers.value(claims):
        return None
    if not numbers.value(upheld):
        return numbers.say(
            "Of the {claims} gains over its base that the original study printed, none is statistically supported by"
            " its own counts.",
            claims=claims,
        )
    return numbers.say(
        "Of the {claims} gains over its base that the original study printed, {upheld} are statistically supported by"
        " its own counts.",
        claims=claims,
        upheld=upheld,
    )


def calibration(tables: Tables) -> list[Rich]:
    """Whether stated confidences mean anything, stage by stage."""
    numbers, split, sentences = tables.numbers, tables.study.splits[0], []
    for stage in tables.study.names():
        at = tables.key("calibration", split, stage, tables.study.seeds_of(stage)[0])
        if not numbers.value(f"{at}/n"):
            sentences.append(
                numbers.say("{stage} states no confidence that could be judged.", stage=Name(tables.shown(stage)))
            )
            continue
        verdict = (
            "is within what chance alone would show"
            if numbers.value(f"{at}/calibrated")
            else "is above what chance alone would show"
        )
        sentences.append(
            numbers.say(
                "{stage} states {confidence}% confidence on average and is right in {accuracy}% of {n}"
                f" answers; its calibration error of {{ece}} {verdict} (up to {{high}}); Brier score {{brier}}.",
                stage=Name(tables.shown(stage)),
                confidence=f"{at}/mean_confidence",
                accuracy=f"{at}/accuracy",
                n=f"{at}/n",
                ece=f"{at}/ece",
                high=f"{at}/null_high",
                brier=f"{at}/brier",
            )
        )
    return sentences


def failures(tables: Tables, stage: str) -> list[Rich]:
    """Why completions of a stage failed on the headline split, most frequent first."""
    numbers, run = tables.numbers, (tables.study.splits[0], stage, tables.study.seeds_of(stage)[0])
    under = numbers.under(tables.key("failure", *run, ""))
    order = sorted(under, key=lambda why: (-under[why], why))
    return [
        numbers.say(
            "{why}: {count} of {n}", why=Name(why), count=tables.key("failure", *run, why), n=tables.key("items", *run)
        )
        for why in order
    ]


def limits(tables: Tables) -> list[Rich]:
    """What the results cannot carry, from the records."""
    numbers, study, records = tables.numbers, tables.study, tables.records
    split = study.splits[0]
    n, half = (
        tables.key("items", split, BASE_STAGE, 0),
        tables.key(
            "metric", split, study.stages[-1].name, study.seeds_of(study.stages[-1].name)[0], tables.headline, ""
        ),
    )
    found = [
        numbers.say(
            "Size. Claims rest on {n} items of {split}; the interval of the last stage reaches from {low}% to {high}%.",
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
    if records["dataset"]["reader"] == "bundled":
        found.append(
            numbers.say("Questions. They are generated from facts written for this project; they are no examination.")
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
    found.append(
        numbers.say(
            "Use. Answering multiple-choice questions is not medical practice; nothing here supports clinical use."
        )
    )
    return found

# ruff: noqa: RUF001  (signs and quotation marks are meant as they are: they are printed)
"""What a study may say of itself: sentences whose wording follows from the test, never from hope."""

from __future__ import annotations

from collections.abc import Sequence

from primum.reports import claims
from primum.reports.numbers import Name, Numbers, Rich
from primum.reports.tables import Tables, pretty
from primum.stages import BASE_STAGE

FEW = 2


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


def levels(tables: Tables, also: str = BASE_STAGE, split: str | None = None, metric: str | None = None) -> Rich:
    """The headline or another metric on a split: of every stage or, with arms, of their ends and of one stage more."""
    split, tree, study = split or tables.study.splits[0], tables.study.tree(), tables.study
    ends = tree.ends()
    shared = [stage.name for stage in study.stages if not any(stage.name in arm for arm in tree.arms())]
    parts = []
    for stage in dict.fromkeys([BASE_STAGE, *shared, also, *ends]) if tree.arms() else study.names():
        prefix = tables.key("metric", split, stage, study.seeds_of(stage)[0], metric or tables.headline, "")
        parts.append(
            tables.numbers.say(
                "{value}% [{low}, {high}] for {stage}",
                **{field: f"{prefix}{field}" for field in ("value", "low", "high")},
                stage=Name(tables.shown(stage)),
            )
        )
    return joined(parts)


def beside(tables: Tables, also: str = BASE_STAGE) -> list[Rich]:
    """The metrics without which the headline is never shown."""
    say, others = tables.numbers.say, tables.exploit_metrics()
    found = [(Name(tables.label(metric)), levels(tables, also, metric=metric)) for metric in others]
    return [say("{metric} is {levels}.", metric=metric, levels=rates) for metric, rates in found]


def apart(tables: Tables) -> list[Rich]:
    """The headline on evaluated splits that share no group with training, where the first one does; nothing else."""
    numbers, study = tables.numbers, tables.study
    trained = {stage.split for stage in study.stages}
    shared: dict[str, int] = {}
    for pair, count in numbers.under(tables.key("data", "shared", "")).items():
        one, other = pair.split("+")
        for split in ({one} if other in trained else set()) | ({other} if one in trained else set()):
            shared[split] = shared.get(split, 0) + count
    if not shared.get(study.splits[0]):
        return []
    return [
        numbers.say(
            "On the {n} items of ‘{split}’, about nothing that a stage was trained on, it is {levels}.",
            n=tables.key("items", split, BASE_STAGE, 0),
            split=Name(split),
            levels=levels(tables, split=split),
        )
        for split in study.splits[1:]
        if shared.get(split) == 0
    ]


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
        "{difference} points [{low}, {high}]; items gained: {gained}, lost: {lost}; Holm-adjusted {p}",
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
    if numbers.value(f"{at}p_holm") < numbers.value(tables.key("method", "alpha")):
        could = numbers.say(
            "rows of one group are alike, and by groups {p} [{low}, {high}]",
            p=p_words(numbers, f"{at}p_clustered"),
            low=f"{at}low_clustered",
            high=f"{at}high_clustered",
        )
    elif numbers.has(f"{at}detectable"):
        could = numbers.say(
            "one unadjusted test of independent rows finds {detectable} points with {power} power",
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
    return f"the policy ‘{pretty(stage)}’" if stage in tables.references else tables.shown(stage)


def headlines(tables: Tables) -> list[Rich]:
    """Every stage against its parent; the last of the main arm against the base or the ends of other arms; and it and
    the stage chosen on dev against every policy that stands beside them.

    Of an arm, the end alone is held against where the arm began; what lies between stands in the tables.
    """
    found = [comparison(tables, stage, against, tables.headline) for stage, against in _headline_pairs(tables)]
    return [sentence for sentence in found if sentence]


def _headline_pairs(tables: Tables) -> list[tuple[str, str]]:
    stages, tree = tables.study.stages, tables.study.tree()
    main = tree.ends()[0]
    pairs = [(stage.name, stage.parent) for stage in stages]
    if tree.arms():
        forks = {arm[-1]: tables.study.stage(arm[0]).parent for arm in tree.arms()}
        pairs = [(name, parent) for name, parent in pairs if not any(name in arm for arm in tree.arms())]
        pairs += [*forks.items(), *((main, other) for other in tree.ends()[1:])]
    else:
        pairs.append((main, BASE_STAGE))
    chosen = [row["stage"] for row in tables.chosen if row["metric"] == tables.headline]
    held = dict.fromkeys([main, *chosen])  # against what knows nothing, be it to their credit or not
    return list(dict.fromkeys([*pairs, *((stage, name) for stage in held for name in tables.references)]))


def in_brief(tables: Tables, *, abstract: bool = False) -> list[Rich]:
    """What :func:`headlines` says, in phrases: which differences are supported, and which are not.

    Where there are arms an abstract leaves out the ends of other arms against what they grew from, and policies but
    the first.
    """
    numbers, split, tree = tables.numbers, tables.study.splits[0], tables.study.tree()
    held = {*tree.ends()[:1], *(row["stage"] for row in tables.chosen if row["metric"] == tables.headline)}
    found: dict[bool, list[Rich]] = {True: [], False: []}
    for stage, against in _headline_pairs(tables):
        aside = stage in tree.ends() and stage not in held
        if abstract and tree.arms() and (aside or against in tables.references[1:]):
            continue
        at = tables.key("comparison", split, stage, tables.study.seeds_of(stage)[0], against, tables.headline, "")
        if numbers.has(f"{at}difference"):
            part = numbers.say(
                "{stage} against {against} {difference} points [{low}, {high}]",
                stage=Name(tables.shown(stage)),
                against=Name(_named(tables, against)),
                **{field: f"{at}{field}" for field in ("difference", "low", "high")},
            )
            found[numbers.value(f"{at}supported") == "yes"].append(part)
    kinds = {True: "Supported after Holm’s adjustment: {parts}.", False: "Not supported: {parts}."}
    return [numbers.say(words, parts=joined(found[kind])) for kind, words in kinds.items() if found[kind]]


def baselines(tables: Tables, *, brief: bool = False) -> Rich | None:
    """What the baselines that stand beside every stage score; ``brief``: on the headline metric alone."""
    numbers, split = tables.numbers, tables.study.splits[0]
    parts = []
    for name in tables.references:
        at = tables.key("baseline", split, name, "")
        if not numbers.has(f"{at}{tables.headline}/value"):
            continue
        policy = Name(tables.words.references.get(name, pretty(name)))
        part = numbers.say("{policy} scores {value}%", policy=policy, value=f"{at}{tables.headline}/value")
        beside = [
            numbers.say("{said}: {value}%", said=Name(tables.said(metric)), value=f"{at}{metric}/value")
            for metric in ([] if brief else tables.exploit_metrics())
        ]
        parts.append(part + (numbers.say(" ({beside})", beside=joined(beside)) if beside else []))
    return joined(parts) + numbers.say(".") if parts else None


def exploit(tables: Tables, stages: Sequence[str] | None = None) -> list[Rich]:
    """How much of what is counted as success is none, and what it was paid: of ``stages``, or of the arms' ends."""
    numbers, split, found = tables.numbers, tables.study.splits[0], []
    for stage in stages or tables.study.tree().ends():
        seed = tables.study.seeds_of(stage)[0]
        own = tables.study.stage(stage).rewards
        at = {name: tables.key("reward", split, "stage", seed, stage, name, "") for name in (own, tables.fixed_table)}
        if own is None or not numbers.has(f"{at[own]}exploit_mean"):
            continue
        sentence = numbers.say(
            "Of {n} items, {stage} has {count} that {exploit}; its own table ‘{own}’ pays"
            " them {paid} each on average [{low}, {high}]",
            n=f"{at[own]}n",
            stage=Name(tables.shown(stage)),
            count=f"{at[own]}exploit_n",
            exploit=Name(tables.words.exploit),
            own=Name(own),
            paid=f"{at[own]}exploit_mean",
            low=f"{at[own]}exploit_low",
            high=f"{at[own]}exploit_high",
        )
        if tables.fixed_table not in (None, own):
            sentence += numbers.say(
                ", table ‘{fixed}’ {other}",
                fixed=Name(str(tables.fixed_table)),
                other=f"{at[tables.fixed_table]}exploit_mean",
            )
        found.append(sentence + numbers.say("."))
    return found


def selected(tables: Tables) -> Rich | None:
    """The stage with the best headline, chosen where it is not reported; and what choosing it there would claim."""
    numbers = tables.numbers
    row = next((row for row in tables.chosen if row["metric"] == tables.headline), None)
    if row is None or len(tables.study.stages) <= FEW:  # of one or two, nothing is chosen
        return None
    at = tables.key("selection", row["seed"], row["metric"], "")
    return numbers.say(
        "Of {count} stages, {stage} has the best {metric} on ‘{on}’; on ‘{split}’, which had no part in that choice, it"
        " has {value}% [{low}, {high}]. Choosing on ‘{split}’ itself would claim {naive}%, for {other}.",
        count=f"{at}stages",
        stage=Name(tables.shown(row["stage"])),
        metric=Name(tables.said(row["metric"])),
        on=Name(row["chosen_on"]),
        split=Name(row["split"]),
        value=f"{at}value",
        low=f"{at}low",
        high=f"{at}high",
        naive=f"{at}naive_value",
        other=Name(tables.shown(row["naive_stage"])),
    )


def published(tables: Tables) -> Rich | None:
    """How the original study's claims fare."""
    found = claims.counted(tables.numbers, tables.study.study)
    return [*found, {"text": tables.words.published}] if found else None


def calibration(tables: Tables) -> list[Rich]:
    """Whether stated confidences mean anything, stage by stage; nothing where none are stated."""
    numbers, split, sentences = tables.numbers, tables.study.splits[0], []
    if not tables.study.confidence:
        return []
    for stage in tables.study.names():
        at = tables.key("calibration", split, stage, tables.study.seeds_of(stage)[0])
        if not numbers.value(f"{at}/n"):
            sentences.append(
                numbers.say("{stage} states no confidence that could be judged.", stage=Name(tables.shown(stage)))
            )
            continue
        verdict = f"is {'within' if numbers.value(f'{at}/calibrated') else 'above'} what chance alone would show"
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
    under, n = numbers.under(tables.key("failure", *run, "")), tables.key("items", *run)
    return [
        numbers.say("{why}: {count} of {n}", why=Name(why), count=tables.key("failure", *run, why), n=n)
        for why in sorted(under, key=lambda why: (-under[why], why))
    ]

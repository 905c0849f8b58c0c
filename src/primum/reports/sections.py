# ruff: noqa: RUF001  (signs and quotation marks are meant as they are: they are printed)
"""The sections of a study's text: what was done, what was found, and what it cannot carry."""

from __future__ import annotations

from typing import Any

from primum.reports import audits, claims, deployments, exhibits, findings, making, subgroups
from primum.reports.blocks import bullets, figure, text
from primum.reports.limits import limits
from primum.reports.numbers import Cite, Name, Rich, paragraph
from primum.reports.seeds import over_seeds
from primum.reports.sources import MANY, StudyFiles
from primum.reports.stage_figures import RULES
from primum.reports.tables import Block, Tables, pretty
from primum.reports.watched import bearing, watched

Section = dict[str, Any]


def sections(tables: Tables, files: StudyFiles) -> list[Section]:
    """All sections of a study, in order."""
    blocks = {
        "Introduction": _introduction(tables),
        "Data": making.data(tables, files),
        "Training": making.training(tables, files),
        "Evaluation": _evaluation(tables),
        "Results": _results(tables, files),
        "Deployments": deployments.section(tables, files),
        "Audits": audits.section(tables, files),
        "Guards": making.guards(tables),
        "Limitations": [bullets(limits(tables))],
        "Reproducibility": making.reproducibility(tables),
        "Further tables": _further(tables),
    }
    shown = {title: [block for block in found if block] for title, found in blocks.items()}
    return [{"title": title, "blocks": found} for title, found in shown.items() if found]


def _introduction(tables: Tables) -> list[Block]:
    say = tables.numbers.say
    return [
        text(
            say(
                "Whether a training stage helped is a question about pairs: the same items, answered before and after."
                " This report rebuilds the study ‘{title}’ from its questions to its conclusions in one workflow, and"
                " asks of each stage whether it is better than the stage it grew from by more than chance explains."
                " Every rate stands with its interval, every comparison with its test and with the difference it could"
                " have found, and what is not supported is said to be so.",
                title=Name(tables.study.title),
            )
        )
    ]


def _evaluation(tables: Tables) -> list[Block]:
    numbers, key = tables.numbers, tables.key
    spans = numbers.say(
        "Every stage answers every item once, greedily; one parser judges completions for rewards and evaluation alike,"
        " and repairs nothing.{measures} Rates have Wilson intervals {wilson}, means of rates the interval that follows"
        " from theirs {zou}; stages are compared on the same items by the exact test of McNemar {mcnemar}, in means of"
        " rates by the same test within each part, with Tango’s interval {tango}, Holm’s adjustment over the pairs"
        " that are compared on a metric {holm}, and the difference that one such test, neither adjusted nor by groups,"
        " finds with {power} power {connor}. Rows about the same thing form a group: beside each test stands one that"
        " swaps the stages of whole groups, and a difference is called supported only where both tests find it;"
        " intervals at the effective number of rows {rao} stand in the published tables. ",
        measures=Name(tables.words.measures),
        wilson=Cite("wilson1927"),
        zou=Cite("zou2009"),
        mcnemar=Cite("mcnemar1947"),
        tango=Cite("tango1998"),
        holm=Cite("holm1979"),
        power=key("method", "power"),
        connor=Cite("connor1987"),
        rao=Cite("rao1992"),
    )
    if subgroups.rewards(tables):
        spans += numbers.say(
            "Mean rewards have bootstrap intervals over groups of items {efron}, {resamples} resamples, and are"
            " compared by permuting stages within groups {phipson}. ",
            efron=Cite("efron1987"),
            resamples=key("method", "resamples"),
            phipson=Cite("phipson2010"),
        )
    if claims.counted(numbers, tables.study.study):
        spans += numbers.say(
            "Published counts are compared by Fisher’s exact test {fisher}. ", fisher=Cite("fisher1922")
        )
    if tables.study.confidence:
        spans += numbers.say(
            "Stated confidences are judged by the Brier score {brier} and by the expected calibration error over {bins}"
            " bins {guo}, beside what {simulations} simulated, perfectly calibrated models show {brocker}. ",
            brier=Cite("brier1950"),
            bins=key("method", "bins"),
            guo=Cite("guo2017"),
            simulations=key("method", "simulations"),
            brocker=Cite("brocker2007"),
        )
    if tables.chosen:
        on = Name(tables.chosen[0]["chosen_on"])
        spans += numbers.say("Where a best stage is named, it was chosen on {on}. ", on=on)
    return [text(spans + numbers.say("Claims are made on {split} alone.", split=Name(tables.study.splits[0])))]


def _results(tables: Tables, files: StudyFiles) -> list[Block | None]:
    numbers, study = tables.numbers, tables.study
    level, split = tables.key("method", "level"), Name(study.splits[0])
    blocks: list[Block | None] = [text(findings_paragraph(tables))]
    blocks += [tables.headline_rates(), tables.headline_comparisons()]
    if "arms" in study.figures():
        caption = numbers.say(
            "{metrics} on {split} by training step, with {level} intervals: the main arm, and beside it the other arms,"
            " which have only their ends. Dotted: the base, or else its value at the left.",
            metrics=Name(", ".join([tables.label(tables.headline), *map(tables.said, tables.exploit_metrics())])),
            split=split,
            level=level,
        )
        blocks.append(figure(files, "arms", caption))
    drawn = [f"{pretty(name)} ({RULES[at % len(RULES)][0]})" for at, name in enumerate(tables.references)]
    caption = numbers.say(
        "Every rate of every stage on {split}, with {level} intervals. Thin rules: {names}.",
        split=split,
        level=level,
        names=Name(", ".join(drawn)),
    )
    blocks.append(figure(files, "metric_by_stage", caption, wide=len(study.runs()) > MANY))
    blocks += [*tables.metrics(study.splits[0]), subgroups.behaviours(tables)]
    blocks.append(tables.comparisons(study.splits[:1], tables.key_metrics if study.tree().arms() else None))
    blocks.append(over_seeds(tables))
    blocks += [tables.baselines(study.splits[0]), subgroups.policies(tables)]
    if paid := findings.exploit(tables):
        blocks.append(text(paragraph(paid)))
    blocks += [subgroups.rewards(tables), *exhibits.reward_parts(tables, files), subgroups.rewarded(tables)]
    if chosen := findings.selected(tables):
        blocks += [text(chosen), subgroups.selection(tables)]
    if numbers.under(tables.key("published", "")):
        note = numbers.say(
            "Ours are those of {base} on {dataset}: they repeat the original’s measurement only where base and data"
            " are the original’s.",
            base=Name(tables.records["base"]["id"]),
            dataset=Name(tables.records["dataset"]["id"]),
        )
        found = findings.published(tables)
        blocks += [text(paragraph([found, note] if found else [note])), tables.published()]
    if study.confidence:
        caption = numbers.say(
            "Share right by stated confidence on {split}, with {level} Wilson intervals; on the diagonal confidence is"
            " right.",
            split=split,
            level=level,
        )
        blocks += [text(paragraph(findings.calibration(tables))), figure(files, "calibration", caption, wide=True)]
    return blocks


def findings_paragraph(tables: Tables) -> Rich:
    """Headline comparisons, what they do not show, the baselines, and what bears on all, as one paragraph."""
    extra = findings.baselines(tables)
    # Of many comparisons the table has the rest.
    told = findings.in_brief(tables) if tables.study.tree().arms() else findings.headlines(tables)
    return paragraph([*told, *watched(tables), *([extra] if extra else []), *bearing(tables)])


def _further(tables: Tables) -> list[Block]:
    """The prompt, splits on which nothing is claimed, and kinds of items."""
    settings, others = tables.records["config"]["task_settings"], tables.study.splits[1:]
    prompts = [settings[name] for name in sorted(settings) if name.endswith("_prompt") and settings[name]]
    blocks = [
        text(tables.numbers.say("The prompt, with the fields it is filled from:")),
        *({"kind": "code", "text": prompt} for prompt in prompts),
    ]
    blocks += [block for split in others for block in tables.metrics(split)]
    blocks += [tables.comparisons(others, [tables.headline])] if others else []
    return [*blocks, *subgroups.kinds(tables)]

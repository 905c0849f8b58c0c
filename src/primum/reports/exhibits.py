# ruff: noqa: RUF001  (signs and quotation marks are meant as they are: they are printed)
"""Figures of data and of rewards, with their captions and with what they show in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from primum.reports.backends import parity
from primum.reports.blocks import figure, text
from primum.reports.catalogue import PIPELINE
from primum.reports.findings import joined
from primum.reports.numbers import Cite, Name, Numbers, Rich, text_of
from primum.reports.sources import ReportConfig, StudyFiles
from primum.reports.tables import Block, Tables, pretty
from primum.stages import BASE_STAGE


def workflow(numbers: Numbers, config: ReportConfig) -> dict[str, Any] | None:
    """The part of the document on how all of it was made; None where the pipeline was not drawn."""
    if not config.pipeline:
        return None
    about = numbers.say(
        "One Snakemake workflow {molder} led from sources to the numbers and figures printed here. The figure is drawn"
        " from the record that the workflow keeps of its jobs, not by hand: it shows what was run for this paper, at"
        " scale ‘{scale}’, and nothing else.",
        molder=Cite("molder2021"),
        scale=Name(config.scale),
    )
    caption = numbers.say(
        "What was run. A box is a rule, with its jobs and the environment that they ran in; ‘chained’: some of its jobs"
        " go on from others. An arrow says that files were handed on, the number at its head how many; arrows that a"
        " longer way stands for are left out. Dashed: what is made of the numbers and figures."
    )
    drawn = {"kind": "figure", "file": Path(PIPELINE[0]).name, "caption": caption, "alt": text_of(caption)}
    blocks = [text(about), drawn | {"wide": True}]
    made = [{"title": "The pipeline", "blocks": blocks}]
    if compared := parity(numbers):
        made.append({"title": "Both backends", "blocks": compared})
    return {"title": "How it was made", "study": "making", "sections": made}


def composition(tables: Tables, files: StudyFiles) -> Block:
    """What every split is made of."""
    caption = tables.numbers.say(
        "Rows of every split by kind of item (dark) and by what is right (pale): counts, and lengths as shares of the"
        " split. Of many kinds the small ones stand together."
    )
    return figure(files, "composition", caption)


def yields(tables: Tables, files: StudyFiles) -> Block | None:
    """What became of the teacher's drafts; None where no teacher wrote."""
    if "yield" not in files.study.figures():
        return None
    caption = tables.numbers.say(
        "What the teacher wrote. Above: drafts by kind and split, with how many were asked for. Middle: rejected drafts"
        " by the first filter that refused them. Below: the teacher beside its challenger, each asked once for the same"
        " items, with Wilson intervals."
    )
    return figure(files, "yield", caption)


def reward_parts(tables: Tables, files: StudyFiles) -> list[Block]:
    """What mean rewards are made of, and what moved; nothing without a fixed table."""
    if "reward_parts" not in files.study.figures():
        return []
    numbers, study = tables.numbers, tables.study
    caption = numbers.say(
        "What the mean reward under ‘{table}’ is made of on {split}: the weight of every outcome times the share of"
        " items that show it, fines to the left, pay to the right. Below each bar the mean itself with its {level}"
        " interval, at the right in figures.",
        table=Name(str(tables.fixed_table)),
        split=Name(study.splits[0]),
        level=tables.key("method", "level"),
    )
    moved = [sentence for pair in _steps(tables) if (sentence := _moved(tables, *pair))]
    said = numbers.say(
        "Mean rewards taken apart: the outcome whose contribution moved most was {moved}.", moved=joined(moved)
    )
    return [*([text(said)] if moved else []), figure(files, "reward_parts", caption)]


def _steps(tables: Tables) -> list[tuple[str, str]]:
    """Stages with what they are held against: their parents or, where there are arms, where the arms part."""
    study, arms = tables.study, tables.study.tree().arms()
    if arms:
        return [(arm[-1], study.stage(arm[0]).parent) for arm in arms]
    return [(stage.name, stage.parent) for stage in study.stages if stage.parent != BASE_STAGE]


def _moved(tables: Tables, stage: str, before: str) -> Rich | None:
    """``{outcome} from {before} to {stage} ({x} → {y})``."""
    numbers, study, split = tables.numbers, tables.study, tables.study.splits[0]
    now, then = (tables.key("contribution", split, name, study.seeds_of(name)[0], "") for name in (stage, before))
    earlier, later = numbers.under(then), numbers.under(now)
    if not later or any(value is None for value in [*earlier.values(), *later.values()]):
        return None
    outcome = max(later, key=lambda name: abs(later[name] - earlier[name]))
    if later[outcome] == earlier[outcome]:
        return None
    return numbers.say(
        "‘{outcome}’ from {before} to {stage} ({then} to {now})",
        outcome=Name(pretty(outcome)),
        before=Name(tables.shown(before)),
        stage=Name(tables.shown(stage)),
        then=f"{then}{outcome}",
        now=f"{now}{outcome}",
    )

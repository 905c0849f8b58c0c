# ruff: noqa: RUF001  (signs and quotation marks are meant as they are: they are printed)
"""The text of the paper and of the report: sections of paragraphs, tables and figures, the same for both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from primum.files import read_json
from primum.reports import claims, deployments, exhibits, findings
from primum.reports.numbers import Name, Numbers, Rich, paragraph
from primum.reports.sections import sections
from primum.reports.sources import ReportConfig, StudyFiles
from primum.reports.tables import Tables, pretty
from primum.reports.wording import wording
from primum.stages import BASE_STAGE

ON_RECORD = "Every number printed here is read from a file whose hash is on record."


def open_study(numbers: Numbers, files: StudyFiles) -> Tables:
    """A study's tables, with the names that its records give."""
    results = read_json(files.evaluation)
    known = {name: rate["label"] for entry in results["evaluations"] for name, rate in entry["metrics"].items()}
    labels = {row["metric"]: known.get(row["metric"], pretty(row["metric"]).capitalize()) for row in results["metrics"]}
    found = {"base": read_json(files.base()), "dataset": files.data()}
    found["config"] = read_json(
        files.checkpoint(files.study.stages[0].name, files.study.seeds_of(files.study.stages[0].name)[0])
    )["config"]
    kept = {key: results[key] for key in ("key_metrics", "faults", "references", "fixed_table")}
    return Tables(
        numbers, files.study, labels, found, **kept, chosen=results["selection"], words=wording(results["task"])
    )


def open_document(config: ReportConfig, results: Path, numbers: Path) -> dict[str, Any]:
    """Build the document from what lies below ``results``, after checking that ``numbers`` is up to date."""
    files = [StudyFiles(results, study) for study in config.studies]
    known = Numbers.load(numbers, results.parent.parent)
    return build_document(config, [(open_study(known, each), each) for each in files])


def build_document(config: ReportConfig, studies: list[tuple[Tables, StudyFiles]]) -> dict[str, Any]:
    """``{"title", "subtitle", "abstract", "parts": [{"title", "study", "sections"}]}``.

    A section is ``{"title", "blocks"}``; a block is text (``spans``), a list (``items``), a table, a figure or code.
    """
    titles = [tables.study.title for tables, _ in studies]
    tested = claims.part(studies[0][0].numbers, config.scale)
    making = exhibits.workflow(studies[0][0].numbers, config)
    return {
        "title": titles[0] if len(titles) == 1 else "Primum: " + "; ".join(titles),
        "subtitle": "Supervised fine-tuning and reinforcement learning, stage by stage, with every comparison tested",
        "scale": config.scale,
        "abstract": [*(_abstract(tables) for tables, _ in studies), studies[0][0].numbers.say(ON_RECORD)],
        "parts": [
            *({"title": t.study.title, "study": t.study.study, "sections": sections(t, f)} for t, f in studies),
            *([tested] if tested else []),
            *([making] if making else []),
        ],
    }


def _abstract(tables: Tables) -> Rich:
    numbers, study = tables.numbers, tables.study
    spans = numbers.say(
        "Starting from {base}, one adapter is trained in stages ({stages}) on {dataset}. On the {n} held-out items of"
        " split ‘{split}’, decoded greedily, {metric} is {levels}. ",
        base=Name(tables.records["base"]["id"]),
        stages=_stages(tables),
        dataset=Name(tables.records["dataset"]["id"]),
        n=tables.key("items", study.splits[0], BASE_STAGE, 0),
        split=Name(study.splits[0]),
        metric=Name(tables.said(tables.headline)),
        levels=findings.levels(tables),
    )
    extra = [findings.baselines(tables, brief=True), findings.selected(tables), findings.published(tables)]
    apart, exploited = findings.apart(tables), findings.exploit(tables)[:1]
    said = [
        *findings.beside(tables),
        *apart,
        *findings.in_brief(tables, abstract=True),
        *exploited,
        *deployments.in_brief(tables),
        *(sentence for sentence in extra if sentence),
    ]
    return spans + paragraph(said)


def _stages(tables: Tables) -> Rich:
    """Methods in order; where the tree forks, the names of the arms."""
    arms, numbers = tables.study.tree().arms(), tables.numbers
    inside = {name for arm in arms for name in arm}
    named = [_method(stage.name, stage.method) for stage in tables.study.stages if stage.name not in inside]
    named += [" → ".join(arm) for arm in arms]
    return findings.joined([numbers.say("{stage}", stage=Name(name)) for name in named])


def _method(name: str, method: str) -> str:
    words = {"sft": "supervised fine-tuning", "grpo": "group relative policy optimisation"}[method]
    return words if name == method else f"{name}: {words}"

"""The document as one offline HTML page, with examples and, on every number, where it is from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from primum.errors import UserError
from primum.files import write_text
from primum.reports.document import open_study
from primum.reports.examples import pick_examples
from primum.reports.numbers import Numbers
from primum.reports.paper import TEMPLATES, figure_files
from primum.reports.sources import ReportConfig, StudyFiles
from primum.reports.tables import Tables
from primum.settings import read_yaml


def write_report(config: ReportConfig, document: dict[str, Any], numbers: Numbers, results: Path, output: Path) -> None:
    """Render the page.

    Args:
        config: what is reported.
        document: see :func:`primum.reports.document.build_document`.
        numbers: where every number is from.
        results: ``results/{scale}``; figures and predictions are read below it.
        output: the page.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    files = [StudyFiles(results, study) for study in config.studies]
    opened = {f.study.study: open_study(numbers, f) for f in files}
    page = environment.get_template("report.html.j2").render(
        document=document,
        numbers=numbers.entries,
        sources=_sources(numbers),
        references=references(document),
        figures={name: inline_svg(results / "paper" / "figures" / name) for name in figure_files(document)},
        examples={f.study.study: pick_examples(f, _outcome(opened[f.study.study])) for f in files},
        stages={f.study.study: f.study.names() for f in files},
        splits={f.study.study: f.study.splits[0] for f in files},
        marks={study: tables.words.marks for study, tables in opened.items()},
    )
    write_text(output, page)


def _outcome(tables: Tables) -> str:
    """The outcome behind the headline metric: the task knows, and names it by its config."""
    from primum.tasks import load_task

    settings = tables.records["config"]
    return load_task(settings["task"], settings["task_settings"]).metrics[0].of


def inline_svg(path: Path) -> str:
    """An SVG figure as an element of a page: without prologue, scaling with its width."""
    if not path.is_file():
        raise UserError(f"Figure {path.name} does not exist.", "Draw it with plot_figure first; snakemake does.")
    svg = path.read_text(encoding="utf-8")
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    return re.sub(r'(<svg[^>]*?) width="[^"]*"( [^>]*?)? height="[^"]*"', r"\1\2", svg, count=1)


def _sources(numbers: Numbers) -> list[tuple[str, str, int]]:
    """``(file, sha256, numbers taken from it)``."""
    counts: dict[tuple[str, str], int] = {}
    for entry in numbers.entries.values():
        key = (entry["file"], entry["sha256"])
        counts[key] = counts.get(key, 0) + 1
    return [(*key, counts[key]) for key in sorted(counts)]


def references(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """References in the order of their first use: ``{key: {"place", "authors", "year", "title", "where"}}``."""
    known, found = read_yaml(TEMPLATES / "references.yaml"), {}
    for key in _cited(document):
        if key not in found:
            entry = known[key]
            authors = [entry["author"]] if isinstance(entry["author"], str) else entry["author"]
            people = "; ".join(authors[:3]) + (" et al." if len(authors) > 3 else "")
            keys = {"place": len(found) + 1, "authors": people, "year": entry["date"], "title": entry["title"]}
            found[key] = keys | {"where": entry["parent"]["title"]}
    return found


def _cited(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [value["cite"]] if "cite" in value else [key for part in value.values() for key in _cited(part)]
    return [key for part in value for key in _cited(part)] if isinstance(value, list) else []

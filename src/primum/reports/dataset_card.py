"""The dataset card of a study: its splits in the Hub's format, beside their Croissant metadata."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from primum.files import read_json, write_text
from primum.reports import card_words, fairness, making
from primum.reports.card import markdown
from primum.reports.document import open_study
from primum.reports.limits import of_rows
from primum.reports.numbers import Numbers
from primum.reports.sources import StudyFiles, StudyReport
from primum.reports.tables import Tables
from primum.reports.told import Told, fill, told


def write_dataset_card(study: StudyReport, numbers: Path, results: Path, output: Path) -> None:
    """Write ``cards/dataset.md``.

    Args:
        study: whose.
        numbers: ``numbers.json``.
        results: ``results/{scale}``.
        output: the card.

    Raises:
        UserError: if the card would state a number that no result file holds.
    """
    from huggingface_hub import DatasetCard

    files = StudyFiles(results, study)
    tables = open_study(Numbers.load(numbers, files.root), files)
    body = fill("dataset.md.j2", _fields(tables, files), f"dataset card of '{study.study}'")
    content = f"---\n{metadata(tables, files).to_yaml()}\n---\n\n{body}"
    DatasetCard(content)  # refuses metadata that the Hub could not read
    write_text(output, content)


def metadata(tables: Tables, files: StudyFiles) -> Any:
    """The card's YAML block: ``huggingface_hub.DatasetCardData``, with a configuration that finds the split files."""
    from huggingface_hub import DatasetCardData

    source = tables.records["dataset"]
    data = [{"split": split, "path": f"data/{split}.jsonl"} for split in _splits(files)]
    return DatasetCardData(
        license=source["licence"].lower(),
        language="en",
        pretty_name=files.study.title,
        task_categories=["question-answering"],
        tags=["medical", "research-only", *(["synthetic"] if source["reader"] != "hub" else [])],
        source_datasets=[source["source"]] if source["reader"] == "hub" else ["original"],
        configs=[{"config_name": "default", "data_files": data}],
    )


def _splits(files: StudyFiles) -> list[str]:
    return sorted(read_json(files.splits)["splits"])


def _fields(tables: Tables, files: StudyFiles) -> dict[str, Any]:
    """What the template is filled with; whatever may hold a digit is a :class:`Told`."""
    source, croissant = tables.records["dataset"], read_json(files.croissant())
    first = croissant["recordSet"][0]
    names = {name: source[name] for name in ("id", "source", "licence")}
    names |= {"study": files.study.study, "title": files.study.title}
    names["folder"] = files.splits.parent.relative_to(files.root).as_posix()
    return {
        **{name: Told(text) for name, text in names.items()},
        "words": tables.words,
        "how": [
            told(block["spans"]) if block["kind"] == "text" else markdown(block)
            for block in making.data(tables, files)
            if block and block["kind"] in ("text", "table")
        ],
        "columns": [(Told(field["name"]), Told(field["description"])) for field in first["field"]],
        "origin": told(card_words.origin(tables)),
        "people": told(fairness.people(tables)),
        "corpus": files.from_corpus,
        "hashes": [(Told(entry["name"]), Told(entry["sha256"])) for entry in croissant["distribution"]],
        "limits": [told(sentence) for sentence in of_rows(tables)],
    }

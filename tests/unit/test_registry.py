"""The registries: shipped lines are whole, and a line of which nobody is answerable is refused in one line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from primum.config import project_root
from primum.errors import UserError
from primum.files import write_text
from primum.registry import DATASETS, MODELS, DatasetEntry, ModelEntry, load_dataset_entry, load_model_entry

ROOT = project_root()
LINE = {
    **{"id": "some-rows", "reader": "file", "columns": "medmcqa", "source": "rows.jsonl", "revision": "-"},
    **{"sha256": "-", "answer_base": "0", "licence": "MIT", "note": "-", "purpose": "research"},
    **{"sensitivity": "public", "consent": "public exam questions", "lineage": "unknown"},
}


def ids(file: str) -> list[str]:
    with (ROOT / file).open(encoding="utf-8", newline="") as handle:
        return [line["id"] for line in csv.DictReader(handle, delimiter="\t")]


def registry(root: Path, *lines: dict[str, str]) -> Path:
    names = list(LINE)
    rows = ["\t".join(names), *("\t".join(line[name] for name in names) for line in lines)]
    write_text(root / DATASETS, "\n".join(rows) + "\n")
    return root


def test_every_shipped_line_is_governed() -> None:
    datasets = [load_dataset_entry(ROOT, name) for name in ids(DATASETS)]
    models = [load_model_entry(ROOT, name) for name in ids(MODELS)]
    assert {"medmcqa-bundled", "dipg-corpus"} <= {entry.id for entry in datasets} and len(models) >= 5
    assert all(entry.sensitivity in ("synthetic", "public") for entry in (*datasets, *models))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sensitivity": "secret"}, "'sensitivity'"),
        ({"purpose": "-"}, "'purpose': it is empty; say it in words, or 'unknown'"),
        ({"lineage": " "}, "'lineage': it is empty"),
        ({"consent": "-"}, "'consent': it is empty"),
        ({"sensitivity": "identifiable", "consent": "unknown"}, "data of identifiable people need a basis"),
        ({"sensitivity": "identifiable", "consent": "None needed"}, "data of identifiable people need a basis"),
        ({"reader": "guess"}, "'reader'"),
        ({"sensitivity": "identifiable", "consent": "written consent of every patient"}, ""),
        ({"sensitivity": "deidentified", "consent": "unknown"}, ""),
    ],
)
def test_a_line_without_what_people_answer_for_is_refused(tmp_path: Path, changes: dict[str, str], said: str) -> None:
    registry(tmp_path, LINE | changes)
    if not said:
        assert load_dataset_entry(tmp_path, "some-rows").sensitivity == changes["sensitivity"]
        return
    with pytest.raises(UserError) as caught:
        load_dataset_entry(tmp_path, "some-rows")
    assert said in str(caught.value) and "datasets.tsv line 2" in str(caught.value) and "\n" not in str(caught.value)


def test_a_registry_without_the_columns_or_with_an_id_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="id 'some-rows' stands twice"):
        load_dataset_entry(registry(tmp_path, LINE, LINE), "some-rows")
    old = [name for name in LINE if name != "consent"]
    write_text(tmp_path / DATASETS, "\t".join(old) + "\n" + "\t".join(LINE[name] for name in old) + "\n")
    with pytest.raises(UserError, match="key 'consent' is missing"):
        load_dataset_entry(tmp_path, "some-rows")


def test_what_people_answer_for_decides_no_row_and_no_weight() -> None:
    """It is not among what the fetching jobs are given, so a better word there trains nothing again."""
    governed = {"purpose", "sensitivity", "consent", "lineage"}
    for kind in (DatasetEntry, ModelEntry):
        entry = (
            load_dataset_entry(ROOT, "medmcqa-bundled")
            if kind is DatasetEntry
            else load_model_entry(ROOT, "tiny-qwen3")
        )
        assert set(kind.model_fields) - set(json.loads(entry.fetched())) == governed

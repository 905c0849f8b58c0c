"""Training starts on registered rows alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from primum.errors import UserError
from primum.files import read_json, write_json, write_text
from primum.registry import DATASETS
from primum.training.registered import check_registered
from tests.unit.training.stage_tools import ROOT, Workspace, register


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """A split that was cut from a registered dataset."""
    write_text(tmp_path / "sft.jsonl", "{}\n")
    register(tmp_path, [tmp_path / "sft.jsonl"])
    return tmp_path / "sft.jsonl"


def test_rows_of_a_registered_dataset_are_taken(rows: Path) -> None:
    check_registered(rows.parent, "toy-rows", rows)


def refused(rows: Path, dataset: str = "toy-rows") -> str:
    with pytest.raises(UserError) as caught:
        check_registered(rows.parent, dataset, rows)
    assert "\n" not in str(caught.value) and caught.value.remedy
    return caught.value.message


def test_an_id_that_nobody_registered_is_refused(rows: Path) -> None:
    assert "No entry 'found-somewhere' in config/datasets.tsv" in refused(rows, "found-somewhere")
    (rows.parent / DATASETS).unlink()
    assert "datasets.tsv does not exist" in refused(rows)


def test_rows_that_are_not_on_record_are_refused(rows: Path) -> None:
    record = rows.with_name("splits.json")
    other = read_json(record) | {"source": {"dataset": "others"}}
    write_json(record, other)
    assert "was cut from dataset 'others', not from 'toy-rows'" in refused(rows)
    register(rows.parent, [rows])
    write_text(rows, '{"id": "slipped in"}\n')
    assert "is not the split on record" in refused(rows)
    record.unlink()
    assert "has no splits.json beside it" in refused(rows)


def test_the_script_ends_in_one_line_before_anything_is_read(tmp_path: Path) -> None:
    """No base, no gate and no rows are needed to be refused."""
    place = Workspace(ROOT, {})
    job = place.job("sft", dataset="found-somewhere")
    done = place.run(place.command(job, tmp_path / "out", tmp_path / "state"))
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "No entry 'found-somewhere'" in done.stderr and not (tmp_path / "out").exists()

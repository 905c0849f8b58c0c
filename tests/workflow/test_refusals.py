"""Mistakes a user can make: one line that names key or row and remedy, exit code 2, no traceback, nothing started."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.workflow_tools import project_copy, snakemake


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project_copy(tmp_path_factory.mktemp("refusals"))


def over(**changes: object) -> str:
    return f"overrides={json.dumps({'medmcqa': changes})}"


def own_lines(text: str) -> list[str]:
    """What was printed, without Snakemake's own word that --config extends the configuration file."""
    return [line for line in text.splitlines() if line.strip() and "is extended by additional config" not in line]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("colour=red", "unknown key 'colour'"),
        ("scale=huge", "'scale'"),
        ("studies=[a/b]", "'a/b' cannot be a name"),
        ("studies=[nothere]", "config/studies/nothere.yaml does not exist"),
        ("seeds=zero", "'seeds'"),
        (over(stages={"sft": {"max_stepz": 3}}), "unknown key 'stages.sft.max_stepz'"),
        (over(stages={"sft": {"max_steps": "many"}}), "'stages.sft.max_steps'"),
        (over(data={"ranges": {"eval": [900, 1100]}}), "overlap at row"),
        (over(dataset="unheard"), "No entry 'unheard' in config/datasets.tsv"),
        ("scale=small", "data/medmcqa.jsonl does not exist"),
        ("energy={country: France}", "'energy.country'"),
    ],
)
def test_a_mistake_ends_in_one_line_before_anything_starts(empty: Path, setting: str, said: str) -> None:
    done = snakemake(empty, "--cores", "2", "--config", setting)
    assert done.returncode == 2, done.stderr
    lines = own_lines(done.stderr)
    assert len(lines) == 1 and said in lines[0] and "Remedy:" in lines[0], done.stderr
    assert not (empty / "results").exists()


def test_a_comparison_with_nothing_is_refused(empty: Path) -> None:
    done = snakemake(empty, "--cores", "2", "compare")
    assert done.returncode == 2 and "nothing to compare with: 'before' is not set" in done.stderr
    assert "Traceback" not in done.stderr and not (empty / "results").exists()


def test_without_a_key_nothing_is_built_to_be_signed(empty: Path) -> None:
    done = snakemake(empty, "sign", "--cores", "2")
    assert done.returncode == 2 and "signing_key is not set" in own_lines(done.stderr)[-1], done.stderr
    assert "Traceback" not in done.stderr and not (empty / "results").exists()


def test_a_dataset_file_that_is_not_the_one_on_record_is_refused(empty: Path) -> None:
    (empty / "data").mkdir()
    (empty / "data" / "medmcqa.jsonl").write_text("{}\n")
    done = snakemake(empty, "-n", "--cores", "2", "--config", "scale=small")
    assert done.returncode == 2 and "is not the file on record" in done.stderr and "Remedy: Restore it" in done.stderr
    assert len(own_lines(done.stderr)) == 1

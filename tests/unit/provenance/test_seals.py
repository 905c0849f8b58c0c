"""Results that somebody changed are told from those that a job has made anew, on Snakemake's own records."""

from __future__ import annotations

import os
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest

from primum.errors import UserError
from primum.files import write_json, write_text
from primum.provenance.jobs import INCOMPLETE, METADATA, producers, read_jobs
from primum.provenance.seals import check_seals, seal

LONG = "results/tiny/" + "deep/" * 50 + "metrics.json"  # its record's name does not fit into one file name


def record(project: Path, folder: Path, path: str, started: float, **more: object) -> None:
    name = urlsafe_b64encode(path.encode()).decode()
    parts = [name[i : i + 254] for i in range(0, len(name), 254)]
    where = Path(*["@" + part for part in parts[:-1]], parts[-1])
    known = {"rule": "score", "input": ["b", "a"], "log": ["score.log"], "starttime": started, "endtime": started + 1}
    write_json(project / folder / where, known | more)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two results of one job, sealed."""
    for path in ("results/tiny/eval_results.json", LONG):
        write_text(tmp_path / path, "34.0\n")
        record(tmp_path, METADATA, path, started=100.0)
    seal(tmp_path)
    return tmp_path


def test_outputs_of_one_job_come_together_and_long_names_are_read(project: Path) -> None:
    (job,) = read_jobs(project)
    assert job.outputs == (LONG, "results/tiny/eval_results.json")
    assert job.inputs == ("a", "b") and job.rule == "score" and job.ended == 101.0
    assert set(producers([job])) == set(job.outputs)


def test_what_is_as_it_was_left_passes(project: Path) -> None:
    check_seals(project)
    os.utime(project / LONG, (1, 1))  # touched: the content is the same
    check_seals(project)


def test_a_changed_number_is_named_even_if_its_size_is_the_same(project: Path) -> None:
    write_text(project / "results/tiny/eval_results.json", "88.0\n")
    with pytest.raises(UserError, match=r"eval_results\.json is not as 'score' left it.*rm results/tiny/eval_res"):
        check_seals(project)
    seal(project)  # a call that ends later must not take the forgery for the job's work
    with pytest.raises(UserError, match="changed by hand"):
        check_seals(project)


def test_a_deleted_file_is_no_edit(project: Path) -> None:
    (project / LONG).unlink()
    check_seals(project)


def test_a_file_that_a_job_made_anew_is_no_edit(project: Path) -> None:
    write_text(project / LONG, "35.0\n")
    record(project, METADATA, LONG, started=200.0)  # the call was killed before it could seal
    check_seals(project)
    seal(project)
    write_text(project / LONG, "36.0\n")
    with pytest.raises(UserError, match="changed by hand"):
        check_seals(project)


def test_a_file_that_a_killed_job_had_begun_is_no_edit(project: Path) -> None:
    write_text(project / LONG, "3")
    record(project, INCOMPLETE, LONG, started=0.0)
    check_seals(project)

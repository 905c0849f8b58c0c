"""Figures: the same bytes in every process, legible without colour, drawn from the files alone."""

import json
from pathlib import Path

import pytest

from primum.errors import UserError
from primum.reports.catalogue import FIGURES
from primum.reports.figures import DRAWN, plot
from primum.reports.plotting import LOOKS, look, spread
from primum.reports.sources import StudyFiles, StudyReport

ROOT = Path(__file__).resolve().parents[3]


def inputs(run, study=None):
    files = StudyFiles(run.results, study or run.study)
    made = (files.evaluation, files.splits, files.audits)
    return [*made, *(files.log(stage, seed) for stage, seed in run.study.runs()[1:])]


def test_every_figure_of_the_contract_is_drawn():
    assert tuple(DRAWN) == FIGURES


def test_a_figure_tells_neither_when_nor_by_what_it_was_drawn(run, tmp_path):
    plot("metric_by_stage", run.study, inputs(run), tmp_path / "f.svg", tmp_path / "f.png")
    text = (tmp_path / "f.svg").read_text()
    assert "<dc:date>" not in text and "matplotlib" not in text.lower().split("<defs>")[0]


def test_a_changed_result_changes_the_figure(run, tmp_path):
    changed = json.loads(inputs(run)[0].read_text())
    for row in changed["metrics"]:
        if (row["stage"], row["metric"], row["split"]) == ("grpo", "accuracy", "eval"):
            row["value"] += 0.01
    (tmp_path / "eval_results.json").write_text(json.dumps(changed))
    for folder, results in (("a", inputs(run)[0]), ("b", tmp_path / "eval_results.json")):
        plot(
            "metric_by_stage",
            run.study,
            [results, *inputs(run)[1:]],
            tmp_path / folder / "f.svg",
            tmp_path / folder / "f.png",
        )
    assert (tmp_path / "a/f.svg").read_bytes() != (tmp_path / "b/f.svg").read_bytes()


@pytest.mark.parametrize(("name", "method"), [("training_loss", "grpo"), ("training_reward", "sft")])
def test_a_study_without_such_a_stage_still_has_the_figure(run, tmp_path, name, method):
    stages = [stage | {"method": method} for stage in run.config["studies"][0]["stages"]]
    study = StudyReport.model_validate(run.config["studies"][0] | {"stages": stages})
    plot(name, study, [inputs(run)[0]], tmp_path / "f.svg", tmp_path / "f.png")
    assert (tmp_path / "f.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_that_logged_no_loss_leaves_the_figure_standing(run, tmp_path):
    """As where a stage is shorter than its logging interval."""
    log = tmp_path / "models/trl/sft/seed0/train_log.jsonl"
    log.parent.mkdir(parents=True)
    (given,) = (path for path in inputs(run) if path.parts[-3] == "sft")
    rows = [json.loads(line) for line in given.read_text().splitlines()]
    assert any("loss" in row for row in rows)
    log.write_text("".join(json.dumps({k: v for k, v in row.items() if k != "loss"}) + "\n" for row in rows))
    plot("training_loss", run.study, [inputs(run)[0], log], tmp_path / "f.svg", tmp_path / "f.png")
    assert "no SFT loss was logged" in (tmp_path / "f.svg").read_text()


def test_an_unknown_figure_is_refused(run, tmp_path):
    with pytest.raises(UserError, match="no figure 'pie'"):
        plot("pie", run.study, inputs(run), tmp_path / "f.svg", tmp_path / "f.png")


def test_series_differ_without_colour():
    assert len({series.marker for series in LOOKS}) == len({str(series.line) for series in LOOKS}) == len(LOOKS)
    assert look(len(LOOKS)) in LOOKS[1:]


def test_labels_are_moved_apart_but_not_past_each_other():
    places = [1.0, 1.01, 0.99, 0.3]
    moved = spread(places, 0.1)
    order = sorted(range(4), key=lambda i: moved[i])
    assert order == sorted(range(4), key=lambda i: places[i])
    assert all(b - a >= 0.1 - 1e-9 for a, b in zip(sorted(moved), sorted(moved)[1:], strict=False))
    assert moved[3] == 0.3

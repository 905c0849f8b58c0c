# ruff: noqa: RUF001  (signs and quotation marks are meant as they are: they are printed)
"""Reports of a grounded study whose tree has arms: nothing empty, nothing of another task, 'safe' never alone."""

import csv
import json
import re

import pytest

from primum.errors import UserError
from primum.reports import data_figures, exhibits, findings, subgroups
from primum.reports.blocks import figure
from primum.reports.catalogue import FIGURES
from primum.reports.collect import collect
from primum.reports.document import build_document, open_study
from primum.reports.figures import DRAWN, plot
from primum.reports.manifest import build_manifest
from primum.reports.numbers import Numbers, text_of
from primum.reports.plotting import below
from primum.reports.sources import StudyFiles
from tests.unit.reports.test_document import blank, every_text
from tests.unit.reports.test_published_files import Page, bom_step, call

# Names that may hold digits: of stages, models, and what a licence is called.
NAMES = re.compile(r"(soft|medium)-\d+|tiny-qwen3|b\w*16|Apache-2\.0|primum/embedded|sha256")
FOREIGN = re.compile(r"\b(letters?|options?|confidence|multiple-choice|examination|calibrat\w+)\b", re.IGNORECASE)


@pytest.fixture(scope="module")
def run(grounded_run):
    return grounded_run


@pytest.fixture(scope="module")
def entries(run):
    return collect(run.report, run.results)


@pytest.fixture(scope="module")
def tables(run, entries):
    return open_study(Numbers(entries), StudyFiles(run.results, run.study))


@pytest.fixture(scope="module")
def document(run, tables):
    return build_document(run.report, [(tables, StudyFiles(run.results, run.study))])


def blocks(document, kind):
    return [b for part in document["parts"] for s in part["sections"] for b in s["blocks"] if b["kind"] == kind]


def lines(run, name):
    with (run.results / f"dipg/tables/{name}.csv").open(newline="") as handle:
        return list(csv.DictReader(handle))


def test_figures_are_those_for_which_there_is_something_to_show(run, document):
    names = ("composition", "yield", "training_loss", "training_reward", "metric_by_stage", "arms", "reward_parts")
    assert run.study.figures() == (*names, "hacking", "risk_coverage")
    assert set(run.study.figures()) < set(FIGURES) == set(DRAWN)
    assert [block["file"] for block in blocks(document, "figure")] == [
        f"dipg_{name}.svg"
        for name in (*names[:4], "arms", "metric_by_stage", "reward_parts", "hacking", "risk_coverage")
    ]


def test_no_table_is_empty_and_no_row_is(document):
    for block in blocks(document, "table"):
        cells = [row for row in block["rows"] if isinstance(row, list)]
        assert cells, text_of(block["caption"])
        assert all(any(text_of(cell) not in ("", "–") for cell in row[1:]) for row in cells), text_of(block["caption"])


def test_no_word_of_another_task_stands_in_it(document):
    assert [text for text in every_text(document) if FOREIGN.search(text)] == []


def test_no_digit_stands_in_it_but_those_of_collected_numbers(run, entries):
    files = StudyFiles(run.results, run.study)
    made = build_document(run.report, [(open_study(Numbers(blank(entries)), files), files)])
    assert [text for text in every_text(made) if re.search(r"\d", NAMES.sub("", text))] == []


def test_safe_never_stands_without_what_it_hides(run, document):
    for block in blocks(document, "table"):
        words = " ".join(every_text(block))
        assert "Safe rate" not in words or "Share safe but not right" in words or "Published" in words
    shown = {row["metric"] for row in lines(run, "metrics")}
    assert {"safe_rate", "safe_but_wrong_rate", "right_rate", "over_abstention_rate", "under_abstention_rate"} <= shown
    assert {"off_topic_abstention_rate", "format_failure_rate", "abstained_right_rate"} <= shown


def test_every_pair_of_the_tree_is_compared(run):
    pairs = {(r["stage"], r["against"]) for r in lines(run, "comparisons") if r["metric"] == "balanced_accuracy"}
    assert {("soft-900", "base"), ("soft-900", "medium-600"), ("soft-900", "sft")} <= pairs
    assert {("soft-1200", arm) for arm in ("flat-soft", "flat-medium", "repaired")} <= pairs
    assert ("flat-soft", "flat-medium") not in pairs and ("repaired", "always_refuse") in pairs
    assert {(r["stage"], r["against"]) for r in lines(run, "reward_comparisons")} == {
        pair for pair in pairs if pair[1] not in ("always_refuse", "best_sentence", "grounded_wrong")
    }


def test_holm_is_over_the_pairs_of_a_metric(run):
    rows = [r for r in lines(run, "comparisons") if (r["split"], r["metric"]) == ("eval", "safe_rate")]
    least = min(rows, key=lambda r: float(r["p_mcnemar"]))
    assert float(least["p_holm"]) == pytest.approx(min(1, len(rows) * float(least["p_mcnemar"])), rel=1e-4)


def test_every_stage_is_rewarded_under_the_fixed_table_and_its_own(run):
    found = {(r["stage"], r["table"]): r["part"] for r in lines(run, "rewards") if r["split"] == "eval"}
    assert found["base", "repaired"] == found["sft", "repaired"] == found["soft-300", "repaired"] == "fixed"
    assert (found["soft-300", "soft"], found["repaired", "repaired"]) == ("training", "fixed and training")
    assert ("sft", "soft") not in found and found["grounded_wrong", "medium"] == "policy"


def test_kinds_have_intervals_and_only_what_applies(run):
    rows = lines(run, "kinds")
    assert {r["kind"] for r in rows} == {"anti_knowledge", "conflict", "needle", "reasoning", "refusal", "safety"}
    assert all(r["low"] and r["high"] and int(r["n"]) for r in rows)
    assert "balanced_accuracy" not in {r["metric"] for r in rows}
    off_topic = {r["kind"] for r in rows if r["metric"] == "off_topic_abstention_rate"}
    assert off_topic == {"anti_knowledge"}


def test_the_best_stage_is_chosen_on_dev_and_reported_on_eval(run, tables):
    rows = {r["metric"]: r for r in lines(run, "selection")}
    assert rows["balanced_accuracy"]["stage"] == "repaired" and rows["balanced_accuracy"]["chosen_on"] == "dev"
    assert rows["safe_but_wrong_rate"]["stage"] == "repaired"  # the least of it is the best
    words = text_of(findings.selected(tables))
    assert "has the best balanced accuracy on ‘dev’; on ‘eval’, which had no part in that choice" in words


def test_what_the_exploit_earned_is_said_under_both_tables(tables):
    words = [text_of(sentence) for sentence in findings.exploit(tables)]
    assert len(words) == 4  # the ends of the four arms
    assert "its own table ‘soft’ pays them 25.00 each on average" in words[0] and "table ‘repaired’ −" in words[0]
    assert "repaired’ −" not in words[-1].split("pays")[0]


def test_baselines_show_that_safe_is_cheap(tables):
    words = text_of(findings.baselines(tables))
    assert "answering with a true sentence that does not answer scores 0.0% (safe rate (as published): 100.0%" in words
    assert len(subgroups.policies(tables)["rows"]) == 12


def test_the_console_tells_stages_pairs_rewards_and_choice(run):
    assert "soft-1200 vs flat-soft balanced_accuracy" in run.console
    assert "mean reward on eval" in run.console and "soft-300 vs sft mean reward (repaired)" in run.console
    assert "balanced_accuracy: best of 8 on dev is repaired" in run.console
    assert "comparisons on other metrics: tables/comparisons.csv" in run.console
    assert max(len(line) for line in run.console.split("\n\n")[0].splitlines()) < 160
    assert not FOREIGN.search(run.console)


def records(run):
    """Everything that some figure is drawn from."""
    files = StudyFiles(run.results, run.study)
    logs = [files.log(stage, seed) for stage, seed in run.study.runs()[1:]]
    made = [files.evaluation, files.splits, files.audits, files.source(), files.source().with_name("comparison.json")]
    return [*made, *logs]


NEWER = ("composition", "yield", "reward_parts")


@pytest.mark.parametrize("name", ["metric_by_stage", "arms", "training_reward", *NEWER])
def test_a_figure_has_the_same_bytes_again(run, tmp_path, name):
    inputs = records(run)
    for at in "ab":
        plot(name, run.study, inputs, tmp_path / f"{at}.svg", tmp_path / f"{at}.png")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_contributions_add_up_to_the_mean_reward(run):
    """Weight times share, over the outcomes of the table, is what the scores' own mean says."""
    means = {(r["stage"], r["split"]): float(r["mean"]) for r in lines(run, "rewards") if r["part"].startswith("fixed")}
    sums = dict.fromkeys(means, 0.0)
    for row in lines(run, "outcomes"):
        assert row["table"] == "repaired" and 0 <= float(row["low"]) <= float(row["value"]) <= float(row["high"]) <= 1
        sums[row["stage"], row["split"]] += float(row["contribution"])
    assert len(means) == 18 and sums == pytest.approx(means, abs=1e-4)


def test_what_moved_a_mean_reward_is_said(run, tables):
    found = {
        (r["stage"], r["outcome"]): float(r["contribution"]) for r in lines(run, "outcomes") if r["split"] == "eval"
    }
    names = {name for _, name in found}
    moved = max(names, key=lambda name: abs(found["repaired", name] - found["sft", name])).replace("_", " ")
    words = text_of(exhibits.reward_parts(tables, StudyFiles(run.results, run.study))[0]["spans"])
    assert f"‘{moved}’ from SFT to stage ‘repaired’" in words


def test_of_many_kinds_the_small_ones_stand_together():
    kinds = {f"k{at:02}": 30 - at for at in range(14)}
    described = {"splits": {"sft": {"rows": sum(kinds.values()), "kinds": kinds, "answers": {"A": 1}}}}
    shown = data_figures._kinds(described)
    assert shown[:2] == ["k00", "k01"] and shown[-1] == "other (5)" and len(shown) == 10
    assert data_figures._count(described["splits"]["sft"], "kinds", shown[-1], shown) == sum(range(17, 22))


def test_a_figure_says_which_record_it_lacks(run, tmp_path):
    with pytest.raises(UserError, match="names no comparison"):
        plot(
            "yield",
            run.study,
            [p for p in records(run) if p.name != "comparison.json"],
            tmp_path / "f.svg",
            tmp_path / "f.png",
        )


def test_labels_stay_below_the_top():
    moved = below([100.0, 99.0, 40.0], 10, 100)
    assert moved == [100, 90, 40]


def test_everything_published_is_whole(run):
    config, study = json.dumps(run.config), json.dumps(run.config["studies"][0])
    paper, results = "results/tiny/paper", ("--results", "results/tiny")
    logs = sorted(path.relative_to(run.root) for path in run.results.glob("dipg/models/trl/*/seed*/train_log.jsonl"))
    made = [path.relative_to(run.root) for path in records(run) if path.name != "train_log.jsonl"]
    inputs = ("--config", study, "--inputs", *made, *logs)
    steps = []
    for name in run.study.figures():
        svg, png = (f"{paper}/figures/dipg_{name}.{kind}" for kind in ("svg", "png"))
        steps.append(("plot_figure", "--figure", name, *inputs, "--output-svg", svg, "--output-png", png))
    numbers = ("--numbers", f"{paper}/numbers.json")
    steps.append(("collect_numbers", "--config", config, *results, "--output", f"{paper}/numbers.json"))
    for stage in run.study.names()[1:]:
        card = ("--stage", stage, "--output", f"results/tiny/dipg/cards/trl/{stage}.md")
        steps.append(("write_card", "--config", study, *results, *numbers, *card))
    card = ("--output", "results/tiny/dipg/cards/dataset.md")
    steps.append(("write_dataset_card", "--config", study, *results, *numbers, *card))
    for name, file in (("build_paper", "paper.pdf"), ("build_report", "report.html")):
        steps.append((name, "--config", config, *results, *numbers, "--output", f"{paper}/{file}"))
    steps.append(bom_step(run))
    for step in steps:
        done = call(run.root, *step)
        assert done.returncode == 0, (step[0], done.stderr)
    page, html = Page(), (run.results / "paper/report.html").read_text()
    page.feed(html)
    assert page.open == [] and html.count("<svg") == 9
    card = (run.results / "dipg/cards/trl/soft-1200.md").read_text()
    assert "## Subgroup evaluation results" in card and "Calibration:" not in card
    assert "`soft-900` fell below the interval of `medium-600`" in card
    assert "Rolled back" not in (run.results / "dipg/cards/trl/soft-900.md").read_text()
    shown = re.sub(r"```.*?```", "", card, flags=re.DOTALL)
    assert [line for line in shown.splitlines() if FOREIGN.search(line)] == []
    listed = build_manifest(run.report, run.results)
    assert "dipg/corpus/embedded/generation.json" in listed["artefacts"]
    assert list(listed["inputs"]) == ["results/inputs/bases/tiny-qwen3/base.json"]
    assert figure(StudyFiles(run.results, run.study), "arms", [])["file"] == "dipg_arms.svg"

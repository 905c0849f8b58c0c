"""The scripts, from the finished run to the manifest: what people open is whole, offline, and the same every time."""

import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from primum.errors import UserError
from primum.files import sha256_tree
from primum.reports.examples import pick_examples
from primum.reports.manifest import build_manifest
from primum.reports.sources import StudyFiles
from tests.unit.reports.conftest import build

ROOT = Path(__file__).resolve().parents[3]
VOID = {"meta", "link", "br", "img", "hr", "input"}


def call(root, name, *arguments, hash_seed="0"):
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, str(ROOT / f"scripts/{name}.py"), *map(str, arguments)]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)


def bom_step(run):
    """What `write_bom` is called with."""
    records = {study["study"]: study["data_record"] for study in run.config["studies"]}
    environments = sorted((ROOT / "envs").glob("*.yaml"))
    shared = ("--results", "results/tiny", "--output", "results/tiny/mlbom.json")
    return (
        "write_bom",
        "--config",
        json.dumps(run.config | {"records": records}),
        *shared,
        "--environments",
        *environments,
    )


def publish(run, hash_seed="0"):
    """Run every script of the reports, as the workflow does, with relative paths."""
    config, study = json.dumps(run.config), json.dumps(run.config["studies"][0])
    logs = sorted(path.relative_to(run.root) for path in run.results.glob("medmcqa/models/trl/*/seed*/train_log.jsonl"))
    paper = "results/tiny/paper"
    records = [f"results/tiny/medmcqa/{name}" for name in ("eval_results.json", "data/splits.json", "audits.json")]
    inputs = ["--config", study, "--inputs", *records, *logs]
    steps: list[tuple] = []
    for name in run.study.figures():
        svg, png = (f"{paper}/figures/medmcqa_{name}.{kind}" for kind in ("svg", "png"))
        steps.append(("plot_figure", "--figure", name, *inputs, "--output-svg", svg, "--output-png", png))
    shared = ("--results", "results/tiny")
    steps.append(("collect_numbers", "--config", config, *shared, "--output", f"{paper}/numbers.json"))
    shared += ("--numbers", f"{paper}/numbers.json")
    for stage in ("sft", "grpo"):
        card = f"results/tiny/medmcqa/cards/trl/{stage}.md"
        steps.append(("write_card", "--config", study, "--stage", stage, *shared, "--output", card))
    steps.append(
        ("write_dataset_card", "--config", study, *shared, "--output", "results/tiny/medmcqa/cards/dataset.md")
    )
    steps.append(("build_paper", "--config", config, *shared, "--output", f"{paper}/paper.pdf"))
    steps.append(("build_report", "--config", config, *shared, "--output", f"{paper}/report.html"))
    steps.append(bom_step(run))
    steps.append(
        ("write_manifest", "--config", config, "--results", "results/tiny", "--output", "results/tiny/manifest.json")
    )
    for step in steps:
        done = call(run.root, *step, hash_seed=hash_seed)
        assert done.returncode == 0, (step[0], done.stderr)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    run = build(tmp_path_factory.mktemp("published"))
    publish(run)
    return run


def test_two_runs_publish_the_same_bytes(published, tmp_path):
    again = build(tmp_path)
    publish(again, hash_seed="3")
    first, second = (sha256_tree(run.results) for run in (published, again))
    assert {path for path in first if first[path] != second.get(path)} == set()
    assert len(first) == len(second)


def test_the_paper_is_a_pdf_without_a_date(published):
    data = (published.results / "paper" / "paper.pdf").read_bytes()
    assert data.startswith(b"%PDF-")
    assert b"CreationDate" not in data and b"CreateDate" not in data


def test_published_files_hold_no_path_of_this_machine(published):
    for path in published.results.rglob("*"):
        if path.is_file():
            assert str(published.root).encode() not in path.read_bytes(), path


class Page(HTMLParser):
    """Checks that tags close in order, and collects what a browser would fetch."""

    def __init__(self):
        super().__init__()
        self.open, self.fetched, self.anchors, self.ids = [], [], [], []

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.fetched += [found[key] for key in ("src", "srcset", "data") if key in found]
        self.fetched += [found["href"]] if tag in ("link", "base") else []
        self.anchors += [found["href"]] if tag == "a" else []
        self.ids += [found["id"]] if "id" in found else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def html(published):
    return (published.results / "paper" / "report.html").read_text()


def test_the_report_is_one_page_that_fetches_nothing(html):
    page = Page()
    page.feed(html)
    assert page.open == []
    assert page.fetched == []
    assert "@import" not in html and "url(http" not in html and "<script" not in html
    assert {anchor for anchor in page.anchors if anchor.removeprefix("#") not in page.ids} == set()
    assert html.count("<svg") == 8


def test_the_report_escapes_what_models_wrote(html):
    assert "&lt;b&gt;so&lt;/b&gt;" in html
    assert "<b>so" not in html
    assert "Answer in JSON &lt;only&gt;." in html


def test_the_report_says_where_numbers_are_from(html):
    assert re.search(
        r'title="results/tiny/medmcqa/eval_results\.json · /comparisons/\d+/difference · sha256 [0-9a-f]{12}"', html
    )


def test_examples_show_right_and_wrong(published):
    groups = pick_examples(StudyFiles(published.results, published.study), "correct")
    assert {right for group in groups for right in group["pattern"]} == {True, False}
    assert groups[0]["count"] >= groups[-1]["count"]
    for group in groups:
        for item in group["items"]:
            assert [answer["right"] for answer in item["answers"]] == group["pattern"]


def test_the_card_is_a_card_of_the_hub(published):
    from huggingface_hub import ModelCard

    text = (published.results / "medmcqa/cards/trl/grpo.md").read_text()
    card = ModelCard(text)
    assert (card.data.license, card.data.base_model, card.data.library_name) == ("apache-2.0", "tiny-qwen3", "peft")
    assert {"sft", "grpo", "lora"} <= set(card.data.tags)
    results = json.loads((published.results / "medmcqa/eval_results.json").read_text())
    accuracy = next(
        r for r in results["metrics"] if (r["stage"], r["split"], r["metric"]) == ("grpo", "eval", "accuracy")
    )
    assert next(r.metric_value for r in card.data.eval_results if r.metric_type == "accuracy") == accuracy["value"]
    assert yaml.safe_load(text.split("---")[1])["model-index"][0]["results"][0]["dataset"]["split"] == "eval"
    for part in ("Research only", "Out of scope", "## Known failures", "# Provenance", "More Information Needed"):
        assert (part in text) == (part != "More Information Needed")


def test_what_the_card_tells_to_load_is_there(published):
    text = (published.results / "medmcqa/cards/trl/sft.md").read_text()
    base = re.search(r'base = .*Path\("([^"]+)"\)', text)[1]
    folder = re.search(r'stage = Path\("([^"]+)"\)', text)[1]
    assert (published.root / base).is_file()
    assert (published.root / folder / "checkpoint.json").is_file()
    compile(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1], "card", "exec")


def test_the_manifest_lists_what_is_published_and_nothing_else(published):
    listed = build_manifest(published.report, published.results)
    there = {path for path in sha256_tree(published.results) if path != "manifest.json"}
    assert set(listed["artefacts"]) == there
    assert sorted(listed["inputs"]) == [
        "results/inputs/bases/tiny-qwen3/base.json",
        "results/inputs/datasets/medmcqa-bundled/rows.jsonl",
        "results/inputs/datasets/medmcqa-bundled/source.json",
    ]
    leftover = published.results / "logs" / "train.log"
    leftover.parent.mkdir()
    leftover.write_text("12:00")
    assert build_manifest(published.report, published.results) == listed
    shutil.rmtree(leftover.parent)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("paper/paper.pdf", "paper.pdf is not there"),
        ("medmcqa/cards/trl/sft.md", "sft.md is not there"),
        ("medmcqa/eval/trl/grpo/seed0/dev/scores.jsonl", "scores.jsonl is not there"),
    ],
)
def test_a_missing_artefact_stops_the_manifest(published, tmp_path, path, words):
    shutil.copytree(published.root / "results", tmp_path / "results")
    (tmp_path / "results" / "tiny" / path).unlink()
    with pytest.raises(UserError, match=words):
        build_manifest(published.report, tmp_path / "results" / "tiny")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("medmcqa/models/trl/sft/seed0/adapter/adapter_model.safetensors", "is not the file on record"),
        ("medmcqa/models/trl/sft/seed0/checkpoint.json", "from another 'sft'"),
    ],
)
def test_a_broken_lineage_stops_the_manifest(published, tmp_path, path, words):
    shutil.copytree(published.root / "results", tmp_path / "results")
    target = tmp_path / "results" / "tiny" / path
    target.write_bytes(target.read_bytes() + b" ")
    with pytest.raises(UserError, match=words):
        build_manifest(published.report, tmp_path / "results" / "tiny")


def test_a_wrong_configuration_ends_in_one_line(published):
    done = call(
        published.root,
        "write_manifest",
        "--config",
        '{"scale": "tiny"}',
        "--results",
        "results/tiny",
        "--output",
        "m.json",
    )
    assert done.returncode == 2
    assert done.stderr.startswith("primum: write_manifest --config: key 'studies' is missing.")
    assert not (published.root / "m.json").exists()


def test_a_missing_figure_is_named(published, tmp_path):
    shutil.copytree(published.root, tmp_path / "run", symlinks=True)
    (tmp_path / "run/results/tiny/paper/figures/medmcqa_calibration.svg").unlink()
    shared = (
        "--config",
        json.dumps(published.config),
        "--results",
        "results/tiny",
        "--numbers",
        "results/tiny/paper/numbers.json",
    )
    for name in ("build_paper", "build_report"):
        done = call(tmp_path / "run", name, *shared, "--output", "out")
        assert done.returncode == 2
        assert "Figure medmcqa_calibration.svg does not exist" in done.stderr

"""The whole tiny study, shortened, through the real workflow; then what reruns, and what is refused."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from primum.files import read_json, read_jsonl, sha256_file
from primum.plan import Plan
from primum.provenance.cost import read_measurements
from primum.provenance.crate import build_crate
from primum.provenance.lineage import lineage, numbers_like
from primum.provenance.tell import tell_number
from primum.reports.sources import ReportConfig
from primum.settings import read_yaml
from primum.strict import parse
from tests.workflow_tools import ROOT, SHORT_DIPG, planned, project_copy, snakemake

# The same studies with fewer steps, rows and evaluated splits: every rule runs.
SHORT = {
    "medmcqa": {
        "stages": {"grpo": {"max_steps": 3, "save_steps": 2}},
        "evaluation": {"splits": ["eval"], "permutations": 1},
    },
    "dipg": SHORT_DIPG | {"evaluation": SHORT_DIPG["evaluation"] | {"splits": ["eval"]}},
    "irae": {
        "stages": {
            "sft": {"max_steps": 12, "per_device_train_batch_size": 4},
            "grpo": {"max_steps": 2, "warmup_ratio": 0.0, "per_device_train_batch_size": 4},
        },
        "guards": {"min_sampled_schema_rate": 0.0, "sampled_prompts": 4},
        "evaluation": {"splits": ["eval"], "max_new_tokens": 32},
    },
}
RUN = ("--profile", "local", "--conda-prefix", str(ROOT / ".snakemake" / "conda"))
RESULTS = Path("results/tiny")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project in which everything has been built once."""
    folder = project_copy(tmp_path_factory.mktemp("spine"))
    done = snakemake(folder, *RUN, overrides=SHORT)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return folder


def replan(folder: Path, *arguments: str) -> dict[str, int]:
    return planned(snakemake(folder, "-n", *RUN, *arguments, overrides=SHORT))


def test_everything_published_is_there_and_hashed(built: Path) -> None:
    manifest = read_json(built / RESULTS / "manifest.json")
    for path, expected in manifest["artefacts"].items():
        assert sha256_file(built / RESULTS / path) == expected, path
    published = set(manifest["artefacts"])
    for needed in (
        "paper/paper.pdf",
        "paper/report.html",
        "paper/numbers.json",
        "paper/figures/pipeline.svg",
        "paper/tables/parity.csv",
        "mlbom.json",
        "registry.json",
        "registry.csv",
        "medmcqa/eval_results.json",
        "medmcqa/tables/comparisons.csv",
        "medmcqa/audits.json",
        "medmcqa/tables/audit_hacking.csv",
        "medmcqa/cards/trl/grpo.md",
        "medmcqa/cards/dataset.md",
        "medmcqa/data/croissant.json",
        "medmcqa/models/trl/grpo/seed0/checkpoint.json",
        "medmcqa/models/trl/grpo/seed0/adapter/adapter_model.safetensors",
        "medmcqa/models/trl/grpo/seed0/adapter/README.md",
        "medmcqa/models/trl/grpo/seed0/provenance.json",
        "medmcqa/eval/trl/base/seed0/eval/predictions.jsonl",
        "irae/deployments.json",
        "irae/tables/deployment_corrections.csv",
        "irae/deployments/trl/few-shot-layered/seed0/eval/predictions.jsonl",
        "paper/figures/irae_deployments.svg",
        "dipg/eval_results.json",
        "dipg/cards/trl/soft-1200.md",
        "dipg/audits/swapped.jsonl",
        "dipg/tables/audit_flips.csv",
        "dipg/models/trl/repaired/seed0/adapter/adapter_model.safetensors",
    ):
        assert needed in published, needed
    assert (built / RESULTS / "paper" / "paper.pdf").read_bytes().startswith(b"%PDF")


def test_no_table_of_the_report_is_empty(built: Path) -> None:
    page = (built / RESULTS / "paper" / "report.html").read_text(encoding="utf-8")
    bodies = re.findall(r"<tbody>(.*?)</tbody>", page, re.DOTALL)
    assert len(bodies) > 20
    for body in bodies:
        heads = ['class="group"' in row for row in re.findall(r"<tr.*?</tr>", body, re.DOTALL)]
        assert heads and not heads[-1] and (True, True) not in set(pairwise(heads)), body[:300]


def test_swapped_patients_are_asked_where_rows_name_them_and_nowhere_else(built: Path) -> None:
    dipg, medmcqa = (read_json(built / RESULTS / study / "audits.json") for study in ("dipg", "medmcqa"))
    assert {row["stage"] for row in dipg["flips"]} >= {"base", "sft", "soft-1200", "repaired"}
    assert dipg["swaps"]["other_age"]["status"] == "made"
    assert not medmcqa["flips"] and medmcqa["swaps"]["other_age"]["status"] == "untestable: no prompt names age"
    assert not (built / RESULTS / "medmcqa" / "audits" / "trl").exists()


def test_a_layer_records_every_correction_beside_what_was_said(built: Path) -> None:
    folder = built / RESULTS / "irae" / "deployments" / "trl"
    said = read_jsonl(folder / "few-shot" / "seed0" / "eval" / "predictions.jsonl")
    layered = read_jsonl(folder / "few-shot-layered" / "seed0" / "eval" / "predictions.jsonl")
    assert [row["said"] for row in layered] == [row["completion"] for row in said]
    assert all((row["completion"] != row["said"]) == bool(row["corrections"]) for row in layered)
    rows = read_json(built / RESULTS / "irae" / "deployments.json")["deployment_corrections"]
    counted = {
        row["corrected"] for row in rows if row["deployment"] == "few-shot-layered" and row["rule"] == "any rule"
    }
    assert counted == {sum(bool(row["corrections"]) for row in layered)}


def test_results_name_no_machine_and_no_folder(built: Path) -> None:
    texts = [
        p
        for p in (built / RESULTS).rglob("*")
        if p.suffix in (".json", ".jsonl", ".csv", ".md", ".html", ".svg") and p.is_file()
    ]
    kept = [p for p in texts if not {"logs", "benchmarks"} & set(p.relative_to(built / RESULTS).parts)]
    assert len(kept) > 20
    for path in kept:
        text = path.read_text(encoding="utf-8")
        assert str(built) not in text and str(ROOT) not in text, path


def test_the_run_is_told_from_its_own_record(built: Path) -> None:
    """Run crate and cost, from the record and the measurements that Snakemake left."""
    crate, unknown = build_crate(built, str(RESULTS), "a test")
    assert unknown == []
    ran = [entity["name"] for entity in crate["@graph"] if entity["@type"] == "CreateAction"]
    assert ran.count("train_stage") == 12 and {"fetch_dataset", "write_bom", "write_manifest"} <= set(ran)
    files = {entity["@id"]: entity.get("sha256") for entity in crate["@graph"] if "File" in entity["@type"]}
    assert read_json(built / RESULTS / "manifest.json")["artefacts"].items() <= files.items()
    config = Plan(built, read_yaml(built / "config" / "config.yaml") | {"overrides": SHORT}).report_config()
    report = parse(ReportConfig, json.loads(config), "a test")
    jobs, others = read_measurements(report, built / RESULTS / "benchmarks")
    assert others == 0 and [job for job in jobs if job.wall is None] == []
    assert sum(job.rule == "train_stage" for job in jobs) == 12


def test_lineage_goes_back_to_the_true_base(built: Path) -> None:
    models = built / RESULTS / "medmcqa" / "models" / "trl"
    base = read_json(built / "results" / "inputs" / "bases" / "tiny-qwen3" / "base.json")
    sft, grpo = (read_json(models / stage / "seed0" / "checkpoint.json") for stage in ("sft", "grpo"))
    assert sft["base"]["sha256"] == grpo["base"]["sha256"] == base["sha256"]
    assert grpo["parent"]["sha256"] == sha256_file(models / "sft" / "seed0" / "checkpoint.json")
    assert sft["adapter"] != grpo["adapter"]
    named = read_json(models / "grpo" / "seed0" / "adapter" / "adapter_config.json")["base_model_name_or_path"]
    assert named == base["path"]


def test_predictions_and_scores_are_one_to_one(built: Path) -> None:
    rows = read_jsonl(built / RESULTS / "medmcqa" / "data" / "eval.jsonl")
    assert len(rows) == 200
    for stage in ("base", "sft", "grpo"):
        folder = built / RESULTS / "medmcqa" / "eval" / "trl" / stage / "seed0" / "eval"
        scores = read_jsonl(folder / "scores.jsonl")
        assert sorted((s["id"], s["shift"]) for s in scores) == sorted(
            (row["id"], shift) for row in rows for shift in (0, 1)
        )
        correct = sum(score["correct"] for score in scores if score["shift"] == 0)
        assert read_json(folder / "metrics.json")["metrics"]["accuracy"]["numerator"] == correct


@pytest.mark.parametrize(("study", "stage"), [("medmcqa", "grpo"), ("dipg", "sft")])
def test_the_snippet_of_a_card_answers_as_the_evaluation_did(built: Path, study: str, stage: str) -> None:
    card = (built / RESULTS / f"{study}/cards/trl/{stage}.md").read_text()
    program = re.search(r"```python\n(.*?)```", card, re.DOTALL)
    assert program
    done = subprocess.run(
        [sys.executable, "-c", program[1]],
        cwd=built,
        env=os.environ | {"PYTHONPATH": "src", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    first = read_jsonl(built / RESULTS / f"{study}/eval/trl/{stage}/seed0/eval/predictions.jsonl")[0]
    completion, _, outcomes = done.stdout.rpartition("{")
    assert completion.removesuffix("\n") == first["completion"] and ": False" in outcomes


def test_a_second_call_finds_nothing_to_do(built: Path) -> None:
    assert replan(built) == {}


def test_touching_files_reruns_nothing(built: Path) -> None:
    later = time.time() + 60
    for folder in ("src", "scripts", "resources", "config", "envs", "rules"):
        for path in (built / folder).rglob("*"):
            if path.is_file():
                os.utime(path, (later, later))
    assert replan(built) == {}


def edited(folder: Path, path: str) -> dict[str, int]:
    """The plan after a comment is added to ``path``, which is put back."""
    file = folder / path
    before = file.read_bytes()
    try:
        file.write_bytes(before + b"\n# edited by a test\n")
        return replan(folder)
    finally:
        file.write_bytes(before)


def test_editing_the_task_module_reruns_what_uses_it(built: Path) -> None:
    users = {"build_splits_medmcqa", "check_rewards", "train_stage", "predict", "score", "compare_stages"}
    users |= {"probe_backend", "compare_backends", "check_claims", "describe_splits", "count_compute"}
    users |= {"write_swaps", "audit_study"}  # of medmcqa too few rows name a patient to be asked again
    after = {"collect_numbers", "plot_figure", "plot_pipeline", "build_paper", "build_report", "write_manifest", "all"}
    after |= {"write_card", "write_dataset_card", "write_bom", "write_provenance", "write_registry"}
    assert set(edited(built, "src/primum/tasks/medmcqa.py")) == users | after


def test_editing_the_statistics_reruns_no_training(built: Path) -> None:
    jobs = set(edited(built, "src/primum/evaluation/stats.py"))
    assert "compare_stages" in jobs
    assert not {"fetch_dataset", "prepare_base", "train_stage", "predict"} & jobs


def test_deleting_a_figure_rebuilds_that_figure_and_no_model(built: Path) -> None:
    figure = built / RESULTS / "paper" / "figures" / "medmcqa_calibration.svg"
    kept = figure.with_suffix(".kept")
    shutil.move(figure, kept)
    try:
        jobs = replan(built)
    finally:
        shutil.move(kept, figure)
    assert jobs["plot_figure"] == 1
    assert not {"train_stage", "predict", "score"} & set(jobs)


def test_a_number_changed_by_hand_is_named_and_nothing_is_built_on_it(built: Path) -> None:
    results = built / RESULTS / "medmcqa" / "eval_results.json"
    before = results.read_bytes()
    results.write_bytes(before.replace(b'"n": 200', b'"n": 300', 1))
    try:
        done = snakemake(built, *RUN, overrides=SHORT)
    finally:
        results.write_bytes(before)
    assert done.returncode == 2
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("primum: ") and "medmcqa/eval_results.json is not as 'compare_stages' left it" in last
    assert replan(built) == {}


def test_every_number_of_the_paper_leads_back_to_data_and_code(built: Path) -> None:
    numbers = built / RESULTS / "paper" / "numbers.json"
    entries = read_json(numbers)
    read = [key for key in entries if entries[key]["file"].startswith("results/")]
    for key in random.Random(0).sample(read, 20):
        assert key in numbers_like(numbers, entries[key]["text"])
        found = lineage(built, entries[key]["file"])
        assert entries[key]["file"] in tell_number(built, key, entries[key], found)
        assert found.listed is not False and not found.changed
        assert found.code and any(path.startswith("resources/") for path in found.sources)


def test_another_seed_trains_only_that_seed(built: Path) -> None:
    jobs = planned(snakemake(built, "-n", *RUN, "--config", "seeds=[0,1]", f"overrides={json.dumps(SHORT)}"))
    assert jobs["train_stage"] == 2 + 8 + 2 and jobs["predict"] == 2 + 8 + 2


def test_a_changed_adapter_is_refused_by_name(built: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(built, copy, symlinks=True)
    adapter = copy / RESULTS / "medmcqa/models/trl/grpo/seed0/adapter/adapter_model.safetensors"
    data = bytearray(adapter.read_bytes())
    data[-1] ^= 1
    adapter.write_bytes(bytes(data))
    predictions = str(RESULTS / "medmcqa/eval/trl/grpo/seed0/eval/predictions.jsonl")
    (copy / predictions).unlink()
    done = snakemake(copy, *RUN, predictions, overrides=SHORT)
    assert done.returncode == 2
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("primum: ") and "adapter_model.safetensors" in last and "Remedy:" in last

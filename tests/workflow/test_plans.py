"""Dry runs: every study at every scale, and every profile, can be planned as typed."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from primum.files import sha256_file
from tests.workflow_tools import ROOT, planned, project_copy, snakemake

STUDIES = sorted(path.stem for path in (ROOT / "config" / "studies").glob("*.yaml"))
PROFILES = sorted(path.name for path in (ROOT / "profiles").iterdir())
TARGETS = [
    "data",
    "corpora",
    "train",
    "evaluate",
    "audits",
    "parity",
    "tables",
    "figures",
    "cards",
    "paper",
    "manifest",
    "registry",
]
TARGETS += ["release", "crate cost"]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which nothing has been built, with a dataset file where the small scale expects one."""
    folder = project_copy(tmp_path_factory.mktemp("plans"))
    rows = folder / "data" / "medmcqa.jsonl"
    rows.parent.mkdir()
    rows.write_text("{}\n")
    registry = folder / "config" / "datasets.tsv"
    pinned = next(
        line.split("\t")[4] for line in registry.read_text().splitlines() if line.startswith("medmcqa-file\t")
    )
    registry.write_text(registry.read_text().replace(pinned, sha256_file(rows)))
    return folder


@pytest.mark.parametrize("scale", ["tiny", "small", "full"])
@pytest.mark.parametrize("study", STUDIES)
def test_every_study_plans_at_every_scale(empty: Path, study: str, scale: str) -> None:
    jobs = planned(snakemake(empty, "-n", "--cores", "2", "--config", f"studies=[{study}]", f"scale={scale}"))
    values = yaml.safe_load((ROOT / "config" / "studies" / f"{study}.yaml").read_text())
    wanted = {"check_rewards", "write_bom", "write_registry", "write_manifest", "all"}
    if values.get("stages"):
        wanted |= {
            "prepare_base",
            "train_stage",
            "write_provenance",
            "predict",
            "score",
            "compare_stages",
            "build_paper",
        }
    if values.get("corpus"):
        wanted |= {"generate_corpus", "compare_teachers", f"write_corpus_{study}", "report_corpus"}
    else:
        wanted.add("fetch_dataset")
    assert wanted <= set(jobs)


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_plans_by_its_bare_name(empty: Path, profile: str) -> None:
    done = snakemake(empty, "-n", "--profile", profile)
    overlay = ROOT / "profiles" / profile / "overlay.yaml"
    written = yaml.safe_load(overlay.read_text()) if overlay.is_file() else {}
    studies = written.get("studies", STUDIES)
    trees = [yaml.safe_load((ROOT / "config" / "studies" / f"{s}.yaml").read_text())["stages"] for s in studies]
    assert planned(done)["train_stage"] == sum(map(len, trees))
    scale = written.get("scale", "tiny")
    assert f"results/{scale}/manifest.json" in done.stdout + done.stderr


@pytest.mark.parametrize("profile", ["gpu", "tpu"])
def test_the_command_line_adds_to_what_a_profile_says(empty: Path, profile: str) -> None:
    """``--config`` replaces a profile's own: were the scale there, the accelerator would silently get the tiny one."""
    once, twice = (snakemake(empty, "-n", "--profile", profile, "--config", f"seeds={s}") for s in ("[0]", "[0,1]"))
    assert "results/full/manifest.json" in twice.stdout + twice.stderr
    assert planned(twice)["train_stage"] == 2 * planned(once)["train_stage"]


def test_targets_stop_where_they_say(empty: Path) -> None:
    jobs = {target: set(planned(snakemake(empty, "-n", "--cores", "2", *target.split()))) for target in TARGETS}
    assert (
        "train_stage" not in jobs["data"] and "predict" not in jobs["train"] and "build_paper" not in jobs["evaluate"]
    )
    assert "report_corpus" in jobs["corpora"] and "fetch_dataset" not in jobs["corpora"]
    assert "merge_adapter" in jobs["release"] and "write_card" in jobs["cards"] and "plot_figure" in jobs["figures"]
    assert {"write_swaps", "audit_study"} <= jobs["audits"] and "build_paper" not in jobs["audits"]
    assert {"write_crate", "report_cost"} <= jobs["crate cost"]
    assert not {"write_crate", "report_cost", "sign_stage"} & jobs["manifest"]
    assert "write_manifest" in jobs["manifest"] and "build_report" in jobs["paper"]


def test_two_seeds_train_twice_and_evaluate_the_base_once(empty: Path) -> None:
    one, two = (
        planned(snakemake(empty, "-n", "--cores", "2", "--config", f"seeds={seeds}")) for seeds in ("[0]", "[0,1]")
    )
    assert two["train_stage"] == 2 * one["train_stage"]
    once = 3 + 2 + 2  # splits on which each study evaluates its base
    assert two["predict"] == 2 * one["predict"] - once

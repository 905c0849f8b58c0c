"""Collected numbers stand where they say, in the file they say."""

import shutil

import pytest

from primum.errors import UserError
from primum.files import sha256_file
from primum.reports.collect import collect
from primum.reports.sources import Source, StudyFiles, StudyReport


@pytest.fixture(scope="module")
def entries(run):
    return collect(run.report, run.results)


def test_every_copied_number_is_at_its_pointer(run, entries):
    sources = {}
    copied = 0
    for key, entry in entries.items():
        source = sources.setdefault(entry["file"], None) or Source(run.root / entry["file"], run.root)
        sources[entry["file"]] = source
        assert entry["sha256"] == sha256_file(run.root / entry["file"]), key
        if entry["pointer"].startswith("/") and "(" not in entry["pointer"]:
            assert source.at(entry["pointer"]) == entry["value"], key
            copied += 1
    assert copied > 1000
    assert not any(file.startswith("/") for file in sources)


def test_headline_numbers_are_those_of_the_comparison(run, entries):
    rows = Source(StudyFiles(run.results, run.study).evaluation, run.root).data["comparisons"]
    row = next(
        r for r in rows if (r["stage"], r["against"], r["metric"], r["split"]) == ("grpo", "sft", "accuracy", "eval")
    )
    at = "medmcqa/comparison/eval/grpo/0/sft/accuracy"
    assert [entries[f"{at}/{key}"]["value"] for key in ("gained", "lost", "p_holm")] == [
        row["gained"],
        row["lost"],
        row["p_holm"],
    ]
    assert entries[f"{at}/difference"]["text"] == f"{100 * row['difference']:+.1f}"


def test_means_of_logged_steps(run, entries):
    log = Source(StudyFiles(run.results, run.study).log("grpo", 0), run.root).data[1:]
    assert entries["medmcqa/train/grpo/0/last/reward"]["value"] == pytest.approx(
        sum(e["reward"] for e in log[-5:]) / 5, abs=1e-6
    )
    assert entries["medmcqa/train/sft/0/window"]["value"] == 3  # six logged steps: halves that do not overlap


def test_published_claims_are_counted(entries):
    of = {
        key.rsplit("/", 1)[1]: entry["value"] for key, entry in entries.items() if key.startswith("claims/of/medmcqa")
    }
    assert of == {"all": 9, "supported": 0, "not distinguishable": 4, "contradicted": 1, "untestable": 4}
    assert entries["claims/medmcqa-sft/published_value"]["text"] == "34.0"
    assert entries["claims/medmcqa-sft/our_value"]["text"].startswith("+")  # points
    assert entries["claims/dipg-reward/published_value"]["text"] == "0.58"


def test_a_missing_file_is_named(run, tmp_path):
    shutil.copytree(run.root / "results", tmp_path / "results")
    (tmp_path / "results/tiny/medmcqa/models/trl/sft/seed0/train_log.jsonl").unlink()
    with pytest.raises(UserError, match=r"train_log\.jsonl does not exist"):
        collect(run.report, tmp_path / "results" / "tiny")


def test_lineage_and_unknown_stages(run):
    assert run.study.lineage("grpo") == ["sft", "grpo"]
    with pytest.raises(UserError, match="no trained stage 'dpo'"):
        run.study.stage("dpo")
    assert StudyReport.model_validate(run.config["studies"][0]).runs() == [("base", 0), ("sft", 0), ("grpo", 0)]

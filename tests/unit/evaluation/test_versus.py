"""Two folders of results: what changed, numbers by hand, and the one line that a user's mistake ends in."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tiny

from primum.errors import UserError
from primum.evaluation.compare import compare
from primum.evaluation.older import Results
from primum.evaluation.read import CompareConfig
from primum.evaluation.score import ScoreConfig, score_predictions
from primum.evaluation.versus import compare_results, told
from primum.files import read_json, sha256_file, sha256_tree, write_json, write_jsonl

ROOT = Path(__file__).resolve().parents[3]
ROWS = [row | {"group": f"g{at // 2}"} for at, row in enumerate(tiny.rows(40, seed=1, prefix="e"))]
SCORE = {"study": "medmcqa", "task": "medmcqa", "task_settings": tiny.TASK_SETTINGS}
STAGES = [{"name": "base", "parent": None}, {"name": "sft", "parent": "base"}]
COMPARE = SCORE | {"stages": STAGES, "seeds": [0], "splits": ["eval"], "training_splits": ["sft"], "published": None}
COMPARE |= {"scale": "tiny", "base": "tiny-qwen3", "dataset": "medmcqa-bundled"}


def write_manifest(results: Path, scale: str = "tiny") -> None:
    files = {path: digest for path, digest in sha256_tree(results).items() if path != "manifest.json"}
    inputs = {"results/inputs/bases/tiny-qwen3/base.json": "1" * 64}
    write_json(results / "manifest.json", {"scale": scale, "artefacts": files, "inputs": inputs})


def predicted(rows, right) -> list[dict]:
    made = []
    for at, row in enumerate(rows):
        gold = row["gold"]["answer"]
        said = gold if at in right else "ABCD"[("ABCD".index(gold) + 1) % 4]
        text = json.dumps({"predicted_category": said, "confidence": 0.5, "reason": "so"})
        made.append(
            {"id": row["id"], "shift": 0, "completion": text, "tokens": 9, "finished": True, "letter_logprobs": None}
        )
    return made


def results(folder: Path, right, rows=ROWS, steps: int = 60) -> Path:
    """A finished run in which the base knows ten rows, and SFT those of ``right``."""
    study = folder / "medmcqa"
    write_jsonl(study / "data/eval.jsonl", rows)
    write_jsonl(study / "data/sft.jsonl", tiny.rows(9))
    splits = {
        name: {"rows": n, "sha256": sha256_file(study / f"data/{name}.jsonl")} for name, n in (("eval", 40), ("sft", 9))
    }
    write_json(study / "data/splits.json", {"splits": splits})
    for stage, known in (("base", range(10)), ("sft", right)):
        target = study / "eval/trl" / stage / "seed0/eval"
        predictions = predicted(rows, known)
        scores, metrics = score_predictions(ScoreConfig.model_validate(SCORE), rows, predictions)
        write_jsonl(target / "predictions.jsonl", predictions)
        write_jsonl(target / "scores.jsonl", scores)
        write_json(target / "metrics.json", metrics | {"split": "eval", "sha256": {"data": splits["eval"]["sha256"]}})
    config = {"stage": {"max_steps": steps, "learning_rate": 0.003}, "task_settings": tiny.TASK_SETTINGS}
    record = {"study": "medmcqa", "stage": "sft", "seed": 0, "config": config, "code_sha256": f"{steps:064}"}
    write_json(study / "models/trl/sft/seed0/checkpoint.json", record)
    write_json(
        study / "eval_results.json", compare(CompareConfig.model_validate(COMPARE), study / "eval/trl", study / "data")
    )
    write_manifest(folder)
    return folder


@pytest.fixture(scope="module")
def before(tmp_path_factory) -> Path:
    return results(tmp_path_factory.mktemp("before") / "tiny", range(10))


def script(*arguments) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts/compare_results.py"), *map(str, arguments)]
    return subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT / "src")}, capture_output=True, text=True)


def test_a_run_and_itself(before) -> None:
    found = compare_results(Results(before), Results(before))
    assert found["files"] == {"added": [], "removed": [], "changed": []} == found["inputs"]
    assert found["settings"] == []
    assert {row["verdict"] for row in found["metrics"]} == {"identical"}
    assert {row["p_holm"] for row in found["metrics"]} == {None}  # nothing was tested
    assert told(found).splitlines()[-1] == "2 of 2 comparisons: identical, no row is judged otherwise"


def test_a_run_that_got_better(before, tmp_path) -> None:
    after = results(tmp_path / "tiny", range(2, 30), steps=90)
    done = script(before, after)
    assert done.returncode == 0, done.stderr
    found = read_json(after / "comparison.json")
    assert found["files"]["changed"] == [
        "medmcqa/eval/trl/sft/seed0/eval/metrics.json",
        "medmcqa/eval/trl/sft/seed0/eval/predictions.jsonl",
        "medmcqa/eval/trl/sft/seed0/eval/scores.jsonl",
        "medmcqa/eval_results.json",
        "medmcqa/models/trl/sft/seed0/checkpoint.json",
    ]
    assert [(row["of"], row["key"], row["before"], row["after"]) for row in found["settings"]] == [
        ("sft, seed 0", "code_sha256", f"{60:064}", f"{90:064}"),
        ("sft, seed 0", "config.stage.max_steps", 60, 90),
    ]
    base, sft = found["metrics"]
    assert (base["stage"], base["verdict"]) == ("base", "identical")
    assert (sft["before"], sft["after"], sft["difference"], sft["gained"], sft["lost"]) == (0.25, 0.7, 0.45, 20, 2)
    assert sft["p_holm"] == sft["p_mcnemar"] < 0.001  # one pair was compared: the base's rows are all alike
    assert sft["p_clustered"] == pytest.approx(2 * (1 + 11) / 2**11, rel=1e-5)  # 10 pairs of rows gained, one lost
    assert sft["verdict"] == "better"
    with (after / "comparison.csv").open(newline="") as handle:
        assert [row["verdict"] for row in csv.DictReader(handle)] == ["identical", "better"]
    assert "config.stage.max_steps 60 -> 90 (sft, seed 0)" in done.stdout
    assert str(before) not in (after / "comparison.json").read_text()
    back = compare_results(Results(after), Results(before))["metrics"][1]
    assert (back["verdict"], back["difference"]) == ("worse", -0.45)


def test_few_rows_that_differ_tell_nothing(before, tmp_path) -> None:
    found = compare_results(Results(before), Results(results(tmp_path / "tiny", range(13))))
    assert [row["verdict"] for row in found["metrics"]] == ["identical", "not distinguishable"]
    assert "not distinguishable" in told(found)


def test_other_rows_are_not_compared(before, tmp_path) -> None:
    others = [*ROWS[:30], *(row | {"group": ROWS[0]["group"]} for row in tiny.rows(10, seed=2, prefix="x"))]
    found = compare_results(Results(before), Results(results(tmp_path / "tiny", range(30), others)))
    assert {(row["verdict"], row["why"]) for row in found["metrics"]} == {
        ("not comparable", "other rows: 40 before, 40 after, 30 the same")
    }
    assert {(row["of"], row["key"]) for row in found["settings"]} == {("split eval", "sha256")}


def test_the_same_completions_judged_otherwise_and_the_same_stage_asked_otherwise(before, tmp_path) -> None:
    after = tmp_path / "tiny"
    shutil.copytree(before, after)
    scores = after / "medmcqa/eval/trl/sft/seed0/eval/scores.jsonl"
    scores.write_text(scores.read_text().replace('"correct": true', '"correct": false', 3))
    write_manifest(after)
    row = compare_results(Results(before), Results(after))["metrics"][1]
    assert (row["lost"], row["why"]) == (3, "the same completions, judged otherwise")
    asked = results(tmp_path / "asked" / "tiny", range(30))
    row = compare_results(Results(before), Results(asked))["metrics"][1]
    assert (row["verdict"], row["why"]) == ("better", "the same stage, asked otherwise")
    missing = after / "medmcqa/eval/trl/base/seed0/eval/scores.jsonl"
    missing.write_text(missing.read_text().replace('"correct": ', '"right": '))
    write_manifest(after)
    assert compare_results(Results(after), Results(before))["metrics"][0]["why"] == "the older scores have no 'correct'"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda folder: shutil.rmtree(folder), "There is no folder"),
        (lambda folder: (folder / "manifest.json").unlink(), "has no manifest.json: it holds no finished results"),
        (lambda folder: (folder / "manifest.json").write_text("[]"), "is no manifest"),
        (lambda folder: (folder / "medmcqa/eval_results.json").unlink(), "is not whole: medmcqa/eval_results.json is"),
        (lambda folder: (folder / "medmcqa/data/eval.jsonl").write_text("{}\n"), "eval.jsonl is not the file that"),
        (lambda folder: write_manifest(folder, "small"), "holds results of scale 'small'"),
    ],
)
def test_refusals(before, tmp_path, change, says) -> None:
    folder = tmp_path / "tiny"
    shutil.copytree(before, folder)
    change(folder)
    with pytest.raises(UserError, match=says):
        compare_results(Results(folder), Results(before))


def test_a_refusal_is_one_line(before, tmp_path) -> None:
    done = script(tmp_path / "nowhere", before)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "There is no folder" in done.stderr
    assert not (before / "comparison.json").exists()

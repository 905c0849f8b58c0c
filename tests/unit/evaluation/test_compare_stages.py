"""Comparison of stages from files: numbers by hand, refusals, the console, and the published claims."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import tiny

from primum.errors import UserError
from primum.evaluation.paired import adjust, compare_pair
from primum.evaluation.published import read_published
from primum.files import sha256_file, write_jsonl
from primum.tasks.base import Metric

ROOT = Path(__file__).resolve().parents[3]
EVAL = tiny.rows(40, seed=1, prefix="e")
GOLD = {row["id"]: row["gold"]["answer"] for row in EVAL}
# Which rows each run answers correctly: sft and both seeds of grpo, against a base that knows ten.
RIGHT = {
    ("base", 0): range(10),
    ("sft", 0): range(5, 25),
    ("sft", 1): range(8, 25),
    ("grpo", 0): range(38),
    ("grpo", 1): range(10),
}
TABLES = ("metrics", "kinds", "comparisons", "over_seeds", "rewards", "reward_comparisons", "selection", "baselines")
TABLES += ("published",)


def predictions(right, letters="A"):
    made = []
    for number, row in enumerate(EVAL):
        letter = GOLD[row["id"]]
        said = letter if number in right else "ABCD"[("ABCD".index(letter) + 1) % 4]
        text = json.dumps({"predicted_category": said, "confidence": 0.5, "reason": "so"})
        scored = {name: -float(name != letters) for name in "ABCD"}
        made.append(
            {"id": row["id"], "shift": 0, "completion": text, "tokens": 9, "finished": True, "letter_logprobs": scored}
        )
    return made


def script(name, folder, *arguments):
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, str(ROOT / f"scripts/{name}.py"), *map(str, arguments)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def settings(**changes):
    keys = {"study": "medmcqa", "task": "medmcqa", "task_settings": tiny.TASK_SETTINGS, "seeds": [0, 1]}
    keys |= {"splits": ["eval"], "training_splits": ["sft"], "published": "medmcqa", "scale": "tiny"}
    keys |= {"base": "tiny-qwen3", "dataset": "medmcqa-bundled"}
    parents = {"base": None, "sft": "base", "grpo": "sft"}
    return json.dumps(keys | {"stages": [{"name": n, "parent": p} for n, p in parents.items()]} | changes)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study's folder, scored and compared by the commands of the rules."""
    folder = tmp_path_factory.mktemp("study")
    training = [{**row, "gold": {**row["gold"], "answer": "C" if at else "B"}} for at, row in enumerate(tiny.rows(9))]
    write_jsonl(folder / "data/eval.jsonl", EVAL)
    write_jsonl(folder / "data/sft.jsonl", training)
    (folder / "config/published").mkdir(parents=True)
    published = (ROOT / "config/published/medmcqa.tsv").read_text()
    (folder / "config/published/medmcqa.tsv").write_text(published)
    score = json.dumps({"study": "medmcqa", "task": "medmcqa", "task_settings": tiny.TASK_SETTINGS})
    for (stage, seed), right in RIGHT.items():
        output = folder / f"eval/{stage}/seed{seed}/eval"
        write_jsonl(output / "predictions.jsonl", predictions(right))
        files = ("--data", "data/eval.jsonl", "--predictions", output / "predictions.jsonl", "--output", output)
        done = script("score", folder, "--config", score, *files)
        assert done.returncode == 0, done.stderr
    done = script("compare_stages", folder, "--config", settings(), "--eval", "eval", "--data", "data", "--output", ".")
    assert done.returncode == 0, done.stderr
    (folder / "console.txt").write_text(done.stdout)
    return folder


def table(study, name):
    with (study / f"tables/{name}.csv").open(newline="") as handle:
        return list(csv.DictReader(handle))


def test_metrics_table(study):
    rows = {(r["stage"], r["seed"], r["metric"]): r for r in table(study, "metrics")}
    assert {(s, int(n)) for s, n, _ in rows} == set(RIGHT)
    for (stage, seed), right in RIGHT.items():
        row = rows[stage, str(seed), "accuracy"]
        assert (int(row["numerator"]), int(row["n"])) == (len(right), 40)
        assert float(row["low"]) < float(row["value"]) < float(row["high"])
    letters = rows["base", "0", "letter_accuracy"]
    assert int(letters["numerator"]) == sum(letter == "A" for letter in GOLD.values())


def test_comparisons(study):
    rows = {(r["seed"], r["stage"], r["against"], r["metric"]): r for r in table(study, "comparisons")}
    row = rows["0", "grpo", "sft", "accuracy"]  # 38 right against rows 5-24
    assert (row["gained"], row["lost"], row["n"]) == ("18", "0", "40")
    assert float(row["difference"]) == 0.45
    assert float(row["p_mcnemar"]) == float(f"{2 / 2**18:.6g}")
    assert row["supported"] == "yes"
    row = rows["0", "sft", "base", "accuracy"]  # rows 5-24 against 0-9
    assert (row["gained"], row["lost"]) == ("15", "5")
    assert float(row["p_mcnemar"]) == pytest.approx(0.041389, abs=1e-6)  # 2 P(X <= 5), X ~ Bin(20, 1/2)
    # Six pairs of stages were compared on this metric, and two have a smaller p: 4 x 0.041.
    assert float(row["p_holm"]) == pytest.approx(4 * 0.041389, abs=1e-4)
    assert row["supported"] == "no"
    assert ("1", "grpo", "base", "accuracy") in rows  # every seed against the one base
    assert ("0", "base", "majority_letter", "accuracy") in rows
    assert rows["1", "grpo", "sft", "accuracy"]["lost"] == "15"


def test_over_seeds(study):
    rows = {(r["stage"], r["against"], r["metric"]): r for r in table(study, "over_seeds")}
    assert not any(stage == "base" for stage, _, _ in rows)
    row = rows["grpo", "", "accuracy"]  # 38 and 10 of 40
    assert (row["seeds"], float(row["mean"]), float(row["sd"])) == ("2", 0.6, pytest.approx(0.7 / 2**0.5, abs=1e-6))
    assert (row["low"], row["high"]) == ("0.0", "1.0")  # 0.6 -+ 12.7 x 0.35
    row = rows["sft", "base", "accuracy"]  # +10 and +7 of 40 against the one base
    assert float(row["mean"]) == pytest.approx(8.5 / 40)
    assert float(row["low_both"]) <= float(row["low"]) < float(row["high"]) <= float(row["high_both"])


def test_conditional_metric_is_compared_on_common_rows():
    metric = Metric("accuracy_on_schema", "ok", ("valid",))
    now = {"a": {"ok": True, "valid": True}, "b": {"ok": True, "valid": True}, "c": {"ok": False, "valid": False}}
    before = {"a": {"ok": False, "valid": True}, "b": {"ok": False, "valid": False}, "c": {"ok": False, "valid": True}}
    row = compare_pair([metric], now, before, "sft", "base")[0]
    assert (row["n"], row["gained"], row["lost"]) == (1, 1, 0)
    empty = compare_pair([metric], {"c": now["c"]}, {"c": before["c"]}, "sft", "base")[0]
    adjust([empty])
    assert (empty["n"], empty["p_mcnemar"], empty["supported"]) == (0, None, "no")
    assert empty["in_words"].endswith("no row to compare")


def test_baselines(study):
    rows = {(r["baseline"], r["metric"]): r for r in table(study, "baselines")}
    for letter in "ABCD":
        assert int(rows[f"always_{letter}", "accuracy"]["numerator"]) == sum(g == letter for g in GOLD.values())
    majority = rows["majority_letter", "accuracy"]  # C: eight of the nine rows trained on
    assert majority["numerator"] == rows["always_C", "accuracy"]["numerator"]
    assert "always C" in majority["note"]
    assert float(rows["chance", "accuracy"]["value"]) == 0.25
    assert rows["fenced_json", "accuracy"]["numerator"] == "0"  # the gold answer in a fence earns nothing
    assert rows["copy_question", "valid_json_rate"]["numerator"] == "0"


def test_published(study):
    rows = {(r["stage"], r["metric"]): r for r in table(study, "published")}
    assert len(rows) == 12
    sft = rows["sft", "accuracy"]
    assert (sft["published_numerator"], sft["published_n"], sft["published_value"]) == ("68", "200", "0.34")
    assert (float(sft["our_value"]), sft["scale"], sft["base"], sft["seed"]) == (0.5, "tiny", "tiny-qwen3", "0")


def test_results_hold_the_tables_and_their_sources(study):
    results = json.loads((study / "eval_results.json").read_text())
    assert {name: len(results[name]) for name in TABLES} == {name: len(table(study, name)) for name in TABLES}
    assert len(results["evaluations"]) == len(RIGHT)
    assert len(results["inputs"]) == 2 * len(RIGHT) + 3
    for path, digest in results["inputs"].items():
        assert sha256_file(study / path) == digest


def test_console(study):
    text = (study / "console.txt").read_text()
    line = next(line for line in text.splitlines() if line.startswith("grpo vs sft accuracy") and "(seed 0)" in line)
    assert "+45.0 points [" in line and "18 gained 0 lost, p<0.001" in line and ": supported" in line
    assert "base tiny-qwen3 · scale tiny" in text
    assert "sft vs base valid_json_rate +0.0 points [-8.8, 8.8]: no row differs (seed 0)" in text
    assert [line.split()[0] for line in text.splitlines()[2:5]] == ["accuracy", "valid_json_rate", "schema_pass_rate"]
    assert "accuracy_on_schema sft   34.5 [28.2, 41.4]  50.0 [35.2, 64.8]" in text


def test_same_bytes_again(study, tmp_path):
    done = script(
        "compare_stages", study, "--config", settings(), "--eval", "eval", "--data", "data", "--output", tmp_path
    )
    assert done.returncode == 0
    for name in ("eval_results.json", *(f"tables/{table}.csv" for table in TABLES)):
        assert (tmp_path / name).read_bytes() == (study / name).read_bytes()


def test_scores_of_other_rows_are_refused(study, tmp_path):
    write_jsonl(tmp_path / "eval.jsonl", EVAL[:-1])
    write_jsonl(tmp_path / "sft.jsonl", EVAL[:1])
    done = script(
        "compare_stages", study, "--config", settings(), "--eval", "eval", "--data", tmp_path, "--output", tmp_path
    )
    assert done.returncode == 2
    assert done.stderr.startswith("primum: Scores of base/seed0/eval were not made from this eval.jsonl.")
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "eval_results.json").exists()


def test_published_numbers_that_no_count_gives_are_refused(tmp_path):
    path = tmp_path / "x.tsv"
    path.write_text("stage\tmetric\tpercent\tn\tsource\nsft\taccuracy\t34.3\t200\tx\n")
    with pytest.raises(UserError, match=r"x.tsv line 2: no count of 200 gives 34.3 %"):
        read_published(path)
    path.write_text("stage\tmetric\tpercent\tn\tsource\nsft\taccuracy\tmany\t200\tx\n")
    with pytest.raises(UserError, match="must be numbers"):
        read_published(path)

"""From a number back to its sources, on a small project with Snakemake's own kind of record and a real git."""

from __future__ import annotations

import subprocess
from base64 import b64encode, urlsafe_b64encode
from pathlib import Path

import pytest

from primum.errors import UserError
from primum.files import sha256_file, write_json, write_text
from primum.provenance.jobs import METADATA
from primum.provenance.lineage import commit, lineage, numbers_like
from primum.provenance.tell import diagram, tell, tell_number

ROWS, SCORES = "results/tiny/s/data/eval.jsonl", "results/tiny/s/eval/trl/sft/seed0/eval/scores.jsonl"
RESULTS, NUMBERS = "results/tiny/s/eval_results.json", "results/tiny/paper/numbers.json"
ROW = {"stage": "sft", "seed": 0, "split": "eval", "value": -0.065, "n": 200}


def job(project: Path, rule: str, output: str, inputs: list[str]) -> None:
    name = urlsafe_b64encode(output.encode()).decode()
    pins = b64encode((project / "envs/data.yaml").read_bytes()).decode()
    checksums = {path: f"sha256:{sha256_file(project / path)}" for path in inputs}
    record = {"rule": rule, "input": inputs, "log": [rule], "conda_env": pins, "input_checksums": checksums}
    write_json(project / METADATA / name, record | {"starttime": 1.0, "endtime": 2.0, "params": ["{'seed': 0}"]})


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Facts -> rows -> scores -> results -> numbers."""
    for path in ("resources/facts.tsv", "src/primum/a.py", "scripts/score.py", "config/config.yaml", "envs/data.yaml"):
        write_text(tmp_path / path, f"{path}\n")
    write_text(tmp_path / ".gitignore", "results\n.snakemake\n")
    for arguments in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=a", "-c", "user.email=a", "commit", "-qm", "all"],
    ):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)
    for path in (ROWS, SCORES):
        write_text(tmp_path / path, "{}\n")
    write_json(tmp_path / RESULTS, {"metrics": [ROW]})
    job(tmp_path, "build_splits", ROWS, ["resources/facts.tsv", "src/primum/a.py"])
    job(tmp_path, "score", SCORES, [ROWS, "scripts/score.py"])
    job(tmp_path, "compare_stages", RESULTS, [SCORES, ROWS])
    digest = sha256_file(tmp_path / RESULTS)
    entry = {"value": -0.065, "text": "−6.5", "file": RESULTS, "sha256": digest, "pointer": "/metrics/0/value"}  # noqa: RUF001
    write_json(tmp_path / NUMBERS, {"s/metric/value": entry})
    return tmp_path


def test_a_file_is_led_back_to_its_sources(project: Path) -> None:
    found = lineage(project, RESULTS)
    assert [each.rule for each in found.jobs] == ["compare_stages", "score", "build_splits"]
    assert found.sources == {"resources/facts.tsv": sha256_file(project / "resources/facts.tsv")}
    assert found.code == ("scripts/score.py", "src/primum/a.py") and found.environments == ("envs/data.yaml",)
    assert not found.changed and found.listed is None
    assert lineage(project, str(project.resolve() / RESULTS)) == found


def test_a_number_as_printed_leads_to_its_row_its_scores_and_the_commit(project: Path) -> None:
    (key,) = numbers_like(project / NUMBERS, "-6.5%")
    assert numbers_like(project / NUMBERS, "-6.50") == [key]
    found = lineage(project, RESULTS)
    entry = {"text": "6.5", "file": RESULTS, "pointer": "/metrics/0/value", "sha256": found.sha256}
    told = tell_number(project, key, entry, found)
    assert "/metrics/0/value" in told and '"n": 200' in told and f"counted in {SCORES}" in told
    head, differ = commit(project, [*found.sources, *found.code])
    assert len(head) == 40 and not differ
    assert f"Commit: {head} holds all of these" in tell(project, found)
    with pytest.raises(UserError, match="No number that may be stated reads"):
        numbers_like(project / NUMBERS, "88")


def test_what_has_changed_since_is_said(project: Path) -> None:
    write_text(project / "resources/facts.tsv", "other\n")
    write_text(project / "config/config.yaml", "other\n")
    found = lineage(project, RESULTS)
    assert found.changed == ("resources/facts.tsv",)
    told = tell(project, found)
    assert (
        "2 of these differ: config/config.yaml, resources/facts.tsv" in told
        and "BUT made from what has changed" in told
    )
    write_json(project / "results/tiny/manifest.json", {"artefacts": {"s/eval_results.json": "0" * 64}})
    assert "NOT what the manifest has" in tell(project, lineage(project, RESULTS))
    entry = {"text": "6.5", "file": RESULTS, "pointer": "/metrics/0/value", "sha256": "0" * 64}
    with pytest.raises(UserError, match="changed since its numbers were collected"):
        tell_number(project, "key", entry, found)


def test_a_file_that_nobody_made_is_refused_among_results_and_a_source_elsewhere(project: Path) -> None:
    write_text(project / "results/tiny/copied.json", "{}")
    with pytest.raises(UserError, match=r"No job is on record that made results/tiny/copied\.json"):
        lineage(project, "results/tiny/copied.json")
    with pytest.raises(UserError, match="There is no file"):
        lineage(project, "results/tiny/none.json")
    found = lineage(project, "resources/facts.tsv")
    assert not found.jobs and list(found.sources) == ["resources/facts.tsv"]


def test_the_diagram_has_every_rule_every_source_and_the_result(project: Path) -> None:
    drawn = diagram(project, lineage(project, RESULTS)).splitlines()
    assert drawn[0] == "flowchart TD" and '  s0[("resources")]' in drawn
    assert "  s0 -->|1| build_splits" in drawn and "  build_splits -->|1| score" in drawn
    assert "  compare_stages --> result" in drawn and '  score["score<br/>1 x, data"]' in drawn

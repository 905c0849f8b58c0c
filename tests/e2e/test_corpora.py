"""`snakemake corpora` on a copy of the project: what it makes, what it asks again (nothing), and another teacher."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from primum.corpora.embedded import write
from primum.files import read_json, read_jsonl, sha256_file, sha256_tree
from primum.text.grounding import ungrounded
from tests.teachers import server
from tests.workflow_tools import ROOT, planned, project_copy, snakemake

RUN = ("--profile", "local", "--conda-prefix", str(ROOT / ".snakemake" / "conda"), "corpora")
SMALLER = {"dipg": {"corpus": {"sizes": {"sft": 60, "grpo": 30, "dev": 20, "eval": 30}}}}
CORPUS = Path("results/tiny/dipg/corpus/embedded")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project in which the corpora have been built once."""
    folder = project_copy(tmp_path_factory.mktemp("corpora"))
    done = snakemake(folder, *RUN, overrides=SMALLER)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return folder


def replan(folder: Path) -> dict[str, int]:
    return planned(snakemake(folder, "-n", *RUN, overrides=SMALLER))


def test_everything_the_strategy_names_is_there(built: Path) -> None:
    names = {path.name for path in (built / CORPUS).iterdir()}
    assert names == {
        *("dipg_sft_v1.jsonl", "dipg_grpo_prompts.jsonl", "dipg_dev_v1.jsonl", "dipg_eval_v1.jsonl"),
        *("DATA_SCHEMA.md", "DATA_GENERATION_REPORT.md", "croissant.json"),
        *("rows.jsonl", "rejected.jsonl", "generation.json", "comparison.json"),
    }
    rows = read_jsonl(built / CORPUS / "rows.jsonl")
    assert len(rows) == sum(SMALLER["dipg"]["corpus"]["sizes"].values())
    for row in rows:
        for quote in row["gold"]["proof"]:
            assert ungrounded(quote, row["inputs"]["context"]) == "", row["id"]
    assert not any(
        turn["from"] == "gpt"
        for chat in read_jsonl(built / CORPUS / "dipg_grpo_prompts.jsonl")
        for turn in chat["conversations"]
    )
    groups = {
        split: {row["group"] for row in rows if row["origin"] == split} for split in ("sft", "grpo", "dev", "eval")
    }
    for held_out in ("dev", "eval"):
        assert not groups[held_out] & (groups["sft"] | groups["grpo"])
    assert not groups["dev"] & groups["eval"]
    splits = read_json(built / "results/tiny/dipg/data/splits.json")
    assert splits["leaks"] == [] and splits["splits"]["sft"]["rows"] == 60
    report = (built / CORPUS / "DATA_GENERATION_REPORT.md").read_text(encoding="utf-8")
    assert "## What the surface gives away" in report and "| the words of both | " in report
    gate = read_json(built / "results/tiny/dipg/data/rewards_check.json")
    assert not gate["tables"]["repaired"]["exploits"] and gate["tables"]["soft"]["exploits"]


def test_a_second_call_and_a_touch_find_nothing_to_do(built: Path) -> None:
    assert replan(built) == {}
    for path in [*(built / "resources" / "dipg").iterdir(), *(built / "config" / "prompts").iterdir()]:
        os.utime(path)
    assert replan(built) == {}


def test_deleting_a_document_rebuilds_that_document(built: Path) -> None:
    report = built / CORPUS / "DATA_GENERATION_REPORT.md"
    before = report.read_bytes()
    report.unlink()
    assert set(replan(built)) == {"report_corpus", "corpora"}
    report.write_bytes(before)


def test_an_edited_prompt_asks_again_and_only_the_corpus(built: Path) -> None:
    prompt = built / "config" / "prompts" / "dipg-teacher-conflict.txt"
    before = prompt.read_text()
    prompt.write_text(before + "Be brief.\n")
    try:
        assert "generate_corpus" in replan(built)
    finally:
        prompt.write_text(before)


def test_without_its_results_the_corpus_comes_from_the_ledger_alone(built: Path) -> None:
    before, ledger = sha256_tree(built / CORPUS), sha256_file(built / "ledgers" / "embedded.jsonl")
    shutil.rmtree(built / "results" / "tiny" / "dipg")
    done = snakemake(built, *RUN, overrides=SMALLER)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    assert sha256_tree(built / CORPUS) == before
    assert sha256_file(built / "ledgers" / "embedded.jsonl") == ledger


def test_another_teacher_is_one_line_of_configuration(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that speaks the OpenAI protocol, over real HTTP; its key stands in the environment and nowhere else."""
    monkeypatch.setattr(server, "answer", lambda body: write(body["messages"][-1]["content"], 5, 0.1)[0])
    monkeypatch.setenv("A_TEACHERS_KEY", "sk-of-the-test")
    with server.Server(server.faulty(0.1, seed=2)) as remote:
        limits = {"concurrency": 8, "attempts": 9, "timeout": 2.0}
        teachers = {
            "mine": {
                "model": "hosted_vllm/m",
                "api_base": remote.url,
                "api_key_env": "A_TEACHERS_KEY",
                "limits": limits,
            }
        }
        config = built / "mine.json"
        config.write_text(json.dumps({"teachers": teachers}))
        overrides = {"dipg": {"corpus": SMALLER["dipg"]["corpus"] | {"teacher": "mine"}}}
        done = snakemake(built, *RUN, "--configfile", str(config), overrides=overrides)
        assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
        assert {call.headers["authorization"] for call in remote.calls} == {"bearer sk-of-the-test"}
    folder = built / CORPUS.parent / "mine"
    assert read_json(folder / "generation.json")["teacher"]["model"] == "hosted_vllm/m"
    written = [
        path
        for where in (folder, built / "ledgers", built / "results/tiny/logs")
        for path in where.rglob("*")
        if path.is_file()
    ]
    assert written and not any(b"sk-of-the-test" in path.read_bytes() for path in written)


def test_a_teacher_that_is_not_there_is_said_in_one_line(built: Path) -> None:
    overrides = {"dipg": {"corpus": SMALLER["dipg"]["corpus"] | {"teacher": "gpt-oss-120b"}}}
    config = built / "nobody.json"
    limits = {"attempts": 2, "timeout": 2.0}
    teacher = {"model": "ollama_chat/gpt-oss:120b-cloud", "api_base": "http://127.0.0.1:9", "limits": limits}
    config.write_text(json.dumps({"teachers": {"gpt-oss-120b": teacher}}))
    done = snakemake(built, *RUN, "--configfile", str(config), overrides=overrides)
    assert done.returncode == 2
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("primum: ") and "gpt-oss-120b" in last and "127.0.0.1:9" in last and "Remedy:" in last

"""A whole corpus over real HTTP: faults in a third of the calls and ten kills change no byte and cost nothing twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from primum.config import project_root
from primum.corpora.embedded import write
from primum.corpora.settings import CorpusJob
from primum.files import read_jsonl, sha256_tree
from primum.plan import Plan
from primum.teachers.client import Request, TeacherClient
from tests.teachers import server

ROOT = project_root()
CONCURRENCY = 16
KILLS = 10
SIZES = {"sft": 60, "grpo": 30, "dev": 20, "eval": 30}
FILES = ("rows.jsonl", "rejected.jsonl", "generation.json")


@pytest.fixture(autouse=True)
def _teach(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's answers are the embedded teacher's, mistakes and all."""
    monkeypatch.setattr(server, "answer", lambda body: write(body["messages"][-1]["content"], 0, 0.2)[0])


def job(url: str) -> dict[str, Any]:
    """The tiny study's corpus, smaller, by a teacher behind ``url``."""
    values = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
    limits = {"concurrency": CONCURRENCY, "attempts": 12, "timeout": 1.0}
    values["teachers"]["remote"] = {"model": "hosted_vllm/x", "api_base": url, "limits": limits}
    values["overrides"] = {"dipg": {"corpus": {"teacher": "remote", "challenger": None, "sizes": SIZES}}}
    made: dict[str, Any] = json.loads(Plan(ROOT, values | {"studies": ["dipg"]}).corpus_config("dipg"))
    return made


class Forks:
    """Starts of ``scripts/generate_corpus.py`` in forks of one process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def start(self, config: dict[str, Any], ledger: Path, output: Path) -> int:
        arguments = ["--config", json.dumps(config), "--ledger", str(ledger), "--output", str(output)]
        self.process.stdin.write(json.dumps(["scripts/generate_corpus.py", *arguments]) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline().split()[1])

    def wait(self) -> int:
        return int(self.process.stdout.readline().split()[1])


@contextmanager
def forks(log: Path) -> Iterator[Forks]:
    environment = os.environ | {"PYTHONPATH": "src", "PYTHONHASHSEED": "0", "HOSTED_VLLM_API_KEY": "x"}
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "tests/teachers/forked.py"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            yield Forks(process)
        finally:
            process.stdin.close()
            process.wait()


def keys(config: dict[str, Any], ledger: Path) -> dict[str, str]:
    """``{ledger key: what the server calls the request}`` of every request that the corpus may make."""
    parsed = CorpusJob.model_validate_json(json.dumps(config))
    _, items, _ = parsed.parts(ROOT)
    found = {}
    with TeacherClient("remote", parsed.teachers["remote"], "-", ledger) as client:
        for split in SIZES:
            for kind in parsed.corpus.composition:
                for number in range(80):
                    messages = items.messages(items.item(split, kind, number))
                    found[client.key(Request("x", messages))] = server.digest({"messages": messages})
    return found


def test_faults_and_kills_change_no_byte_and_ask_nothing_twice(tmp_path: Path) -> None:
    rng = random.Random(11)
    calm, rough = tmp_path / "calm", tmp_path / "rough"
    with forks(tmp_path / "log.txt") as runs:
        with server.Server() as undisturbed:
            config = job(undisturbed.url)
            runs.start(config, tmp_path / "calm.jsonl", calm)
            assert runs.wait() == 0, (tmp_path / "log.txt").read_text()[-3000:]
            assert set(undisturbed.kinds()) == {"answer"}
        ledger = tmp_path / "rough.jsonl"
        with server.Server(server.faulty(0.42, seed=3), latency=0.03) as faults:
            config = job(faults.url)
            names = keys(config, tmp_path / "names.jsonl")
            killed = 0
            while True:
                known = {names[row["key"]] for row in whole_lines(ledger)}
                before = len(faults.calls)
                pid = runs.start(config, ledger, rough)
                if killed < KILLS:
                    wait_for_calls(faults, before + rng.randint(1, 45))
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
                status = runs.wait()
                asked_again = known & {call.digest for call in faults.calls[before:]}
                assert not asked_again, f"{len(asked_again)} answered requests were sent again"
                if status == 0:
                    break
                assert status == -signal.SIGKILL, (tmp_path / "log.txt").read_text()[-3000:]
    assert killed == KILLS
    met = faults.kinds()
    harmful = sum(count for kind, count in met.items() if kind in server.FAULTS)
    assert harmful >= 0.3 * len(faults.calls), met
    assert set(met) >= {*server.FAULTS, server.SLOW}
    # An answer on its way when the kill came is asked once more: at most as many as were in flight.
    answered = [call.digest for call in faults.calls if call.kind in (server.ANSWER, server.SLOW)]
    assert len(answered) - len(set(answered)) <= KILLS * CONCURRENCY
    assert {name: sha256_tree(rough)[name] for name in FILES} == {name: sha256_tree(calm)[name] for name in FILES}
    assert len(read_jsonl(rough / "rows.jsonl")) == sum(SIZES.values())


def wait_for_calls(faults: server.Server, count: int) -> None:
    """Until the server has seen so many, or nothing more comes."""
    deadline = time.monotonic() + 5
    while len(faults.calls) < count and time.monotonic() < deadline:
        time.sleep(0.002)


def whole_lines(ledger: Path) -> list[dict[str, Any]]:
    """The ledger as the next run will read it: without a torn last line."""
    text = ledger.read_bytes() if ledger.exists() else b""
    return [json.loads(line) for line in text[: text.rfind(b"\n") + 1].splitlines()]

"""The same replies whatever the network does, and whatever kills the run."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.teachers import server as S
from tests.teachers.tools import INTERRUPTED, ask, client, durable, essence, questions, start, teacher

NUMBER = 200
KILLS = 10
CONCURRENCY = 8


def undisturbed(folder: Path, model: str = "hosted_vllm/x") -> dict[str, tuple[object, ...]]:
    with S.Server() as server:
        replies = ask(teacher(server.url, model), folder / "undisturbed.jsonl", questions(NUMBER))
        assert len(server.calls) == NUMBER
    return essence(replies)


@pytest.mark.parametrize("model", ["hosted_vllm/x", "openai/x"])
def test_the_same_replies_under_faults(tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "not-a-real-key")
    with S.Server(S.faulty(0.45, seed=3), log=tmp_path / "answered") as server:
        replies = ask(teacher(server.url, model, concurrency=32), tmp_path / "l.jsonl", questions(NUMBER))
    kinds = server.kinds()
    faults = sum(kinds.get(kind, 0) for kind in S.FAULTS)
    assert all(kinds.get(kind, 0) > 0 for kind in (*S.FAULTS, S.SLOW)), kinds
    assert faults / len(server.calls) > 0.30, kinds
    assert essence(replies) == undisturbed(tmp_path, model)
    answered = (tmp_path / "answered").read_text().split()
    assert len(answered) == len(set(answered)) == NUMBER  # nothing that was answered was asked again


def test_ten_kills(tmp_path: Path) -> None:
    """What the ledger holds is never asked again; at most what was in flight at a kill may be answered twice.

    A server's answer that was not yet on the disk when the kill came is lost: no client can promise otherwise.
    """
    rng, ledger, log = random.Random(17), tmp_path / "l.jsonl", tmp_path / "answered"
    with S.Server(S.faulty(0.4, seed=5), latency=0.01, log=log) as server:
        of = teacher(server.url, concurrency=CONCURRENCY)
        with client(of, tmp_path / "names.jsonl") as names:
            key_of = {S.digest({"messages": request.messages}): names.key(request) for request in questions(NUMBER)}
        kept: set[str] = set()
        for kill in range(KILLS + 1):
            before = len(server.calls)
            process = start(of, ledger, NUMBER)
            if kill < KILLS:
                moment, deadline = before + rng.randrange(1, 32), time.monotonic() + 30
                while len(server.calls) < moment and time.monotonic() < deadline:
                    time.sleep(0.001)
                time.sleep(rng.uniform(0, 0.03))
                os.kill(process.pid, signal.SIGKILL)
                process.join()
                assert process.exitcode == -signal.SIGKILL  # it was still at work
            else:
                process.join(60)
                assert process.exitcode == 0
            assert not {key_of[call.digest] for call in server.calls[before:]} & kept
            kept = durable(ledger)
        replies = ask(of, ledger, questions(NUMBER))
        assert len(server.calls) == sum(server.kinds().values())
    assert essence(replies) == undisturbed(tmp_path)
    answered = Counter(log.read_text().split())
    assert len(answered) == NUMBER
    assert sum(answered.values()) - NUMBER <= KILLS * CONCURRENCY
    assert sum(server.kinds().get(kind, 0) for kind in S.FAULTS) / len(server.calls) > 0.30


def test_interrupt_keeps_what_is_durable(tmp_path: Path) -> None:
    ledger = tmp_path / "l.jsonl"
    with S.Server(latency=0.05) as server:
        of = teacher(server.url)
        process = start(of, ledger, NUMBER)
        while len(server.calls) < 40:
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGINT)
        process.join(20)
        assert process.exitcode == INTERRUPTED
        kept, calls = durable(ledger), len(server.calls)
        assert ledger.read_bytes().endswith(b"\n")
        assert 20 <= len(kept) < NUMBER
        assert len(ask(of, ledger, questions(NUMBER))) == NUMBER
        assert len(server.calls) - calls == NUMBER - len(kept)

"""What the teachers' tests share: teachers with short patience, requests, and a process of its own to kill."""

from __future__ import annotations

import json
import multiprocessing
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from primum.teachers.client import Reply, Request, TeacherClient
from primum.teaching import Limits, Teacher

BACKOFF = 0.02  # seconds
INTERRUPTED = 42


def teacher(url: str | None, model: str = "hosted_vllm/x", **more: Any) -> Teacher:
    """A teacher at ``url``; keys of Limits go there, the others to Teacher."""
    limits = {"concurrency": 8, "attempts": 6, "timeout": 1.0}
    limits |= {key: more.pop(key) for key in list(more) if key in Limits.model_fields}
    return Teacher(model=model, api_base=url, limits=Limits(**limits), **({"parameters": {"temperature": 0.0}} | more))


def questions(number: int, start: int = 0) -> list[Request]:
    """So many different requests."""
    return [
        Request(
            f"q{n}", [{"role": "system", "content": "Answer."}, {"role": "user", "content": f"What is {n} times 7?"}]
        )
        for n in range(start, start + number)
    ]


def client(of: Teacher, ledger: Path) -> TeacherClient:
    """A client with a short back-off."""
    return TeacherClient("t", of, "r1", ledger, backoff=BACKOFF)


def ask(of: Teacher, ledger: Path, requests: Iterable[Request]) -> dict[str, Reply]:
    """Ask in a fresh client; replies by request id."""
    replies: dict[str, Reply] = {}
    with client(of, ledger) as c:
        c.ask(requests, lambda request, reply: replies.__setitem__(request.id, reply))
    return replies


def essence(replies: dict[str, Reply]) -> dict[str, tuple[Any, ...]]:
    """Of replies, what must not depend on faults."""
    return {
        name: (r.key, r.outcome, r.text, r.finish_reason, r.prompt_tokens, r.completion_tokens, r.cost)
        for name, r in sorted(replies.items())
    }


def durable(ledger: Path) -> set[str]:
    """Keys of the whole lines of a ledger, read as anybody might."""
    whole = ledger.read_bytes().rpartition(b"\n")[0] if ledger.exists() else b""
    return {json.loads(line)["key"] for line in whole.split(b"\n") if line}


def start(of: Teacher, ledger: Path, number: int) -> Any:
    """Ask ``number`` questions in a process of its own, forked from one that has LiteLLM imported already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["litellm", "primum.teachers.client"])
    process = context.Process(target=_ask_all, args=(of.model_dump(), str(ledger), number))
    process.start()
    return process


def _ask_all(of: dict[str, Any], ledger: str, number: int) -> None:
    # A job that a shell starts in the background, as these tests may be, ignores it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        ask(Teacher(**{**of, "limits": Limits(**of["limits"])}), Path(ledger), questions(number))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)

"""The real study at scale tiny, and teachers that answer at once: the embedded program itself, or replies by hand."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from primum.config import project_root
from primum.corpora import embedded
from primum.corpora.drafts import Draft, Rejected
from primum.corpora.filters import Filter
from primum.corpora.generate import Generated, generate, judge_reply
from primum.corpora.items import Item, Items
from primum.corpora.settings import CorpusJob
from primum.plan import Plan
from primum.strict import parse
from primum.tasks.grounded_answer import GroundedAnswer
from primum.teachers.client import Reply, Request

ROOT = project_root()
DEFAULT = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
Write = Callable[[str], tuple[str, str]]
Parts = tuple[GroundedAnswer, Items, Filter]


@dataclass
class Asks:
    """A teacher at hand: ``write`` makes text and finish reason of a prompt. ``asked`` and ``read`` keep the order."""

    write: Write
    backwards: bool = False  # answer the last request first
    asked: list[str] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    _replies: dict[str, Reply] = field(default_factory=dict)

    def ask(self, requests: Iterable[Request]) -> None:
        batch = list(requests)
        for request in reversed(batch) if self.backwards else batch:
            prompt = request.messages[-1]["content"]
            text, finish = self.write(prompt)
            given, made = len(prompt.split()), len(text.split())
            self._replies[request.id] = Reply(request.id, "answered", text, finish, given, made, 0.25, 1)
            self.asked.append(request.id)

    def reply(self, request: Request) -> Reply:
        self.read.append(request.id)
        return self._replies[request.id]


def embedded_asks(seed: int = 0, rate: float = 0.12, backwards: bool = False) -> Asks:
    """The embedded teacher without LiteLLM around it."""
    return Asks(lambda prompt: embedded.write(prompt, seed, rate), backwards)


@pytest.fixture(scope="session")
def job() -> CorpusJob:
    """What the rules hand to the scripts for study ``dipg`` at scale tiny."""
    plan = Plan(ROOT, DEFAULT | {"studies": ["dipg"], "scale": "tiny"})
    return parse(CorpusJob, json.loads(plan.corpus_config("dipg")), "test")


@pytest.fixture(scope="session")
def parts(job: CorpusJob) -> Parts:
    """Task, items and filter."""
    return job.parts(ROOT)


@pytest.fixture(scope="session")
def items(parts: Parts) -> Items:
    return parts[1]


@pytest.fixture(scope="session")
def made(job: CorpusJob, parts: Parts) -> Generated:
    """The whole tiny corpus, as its own teacher writes it."""
    task, items, checks = parts
    return generate(job.corpus, "embedded", embedded_asks(), items, task, checks)


@pytest.fixture(scope="session")
def shrunk(job: CorpusJob) -> Callable[..., CorpusJob]:
    """The job with keys of its corpus changed: small sizes, for corpora that are made within a test."""

    def change(**keys: Any) -> CorpusJob:
        sizes = {"sizes": {"sft": 23, "grpo": 11, "dev": 10, "eval": 17}}
        return job.model_copy(update={"corpus": job.corpus.model_copy(update=sizes | keys)})

    return change


@pytest.fixture(scope="session")
def judged(parts: Parts) -> Callable[..., tuple[Draft | None, Any]]:
    """Judges a reply to an item: (draft, example and record) or (draft, rejection)."""
    task, _, checks = parts

    def judge(item: Item, text: Any, finish: str = "stop", outcome: str = "answered") -> tuple[Draft | None, Any]:
        text = text if isinstance(text, str) else json.dumps(text)
        return judge_reply(item, Reply("", outcome, text, finish, 1, 1, 0.0, 1), task, checks)

    return judge


@pytest.fixture(scope="session")
def reason(judged: Callable[..., tuple[Draft | None, Any]]) -> Callable[..., str]:
    """Judges a reply to an item: why it makes no row; empty where it makes one."""

    def why(item: Item, text: Any, finish: str = "stop") -> str:
        found = judged(item, text, finish)[1]
        return found.reason if isinstance(found, Rejected) else ""

    return why


@pytest.fixture
def resources_copy(tmp_path: Path) -> Path:
    """The shipped resources, to be broken."""
    return Path(shutil.copytree(ROOT / "resources" / "dipg", tmp_path / "dipg"))

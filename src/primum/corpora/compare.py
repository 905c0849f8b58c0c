"""Teacher and challenger on the same items: how many drafts would make a row, with intervals and a paired test."""

from __future__ import annotations

from collections import Counter
from typing import Any

from primum.corpora.drafts import Rejected
from primum.corpora.filters import Filter
from primum.corpora.generate import Asks, judge_reply
from primum.corpora.items import Item, Items, quotas
from primum.corpora.settings import COMPARE, CorpusJob
from primum.evaluation.paired import adjust, compare_pair
from primum.evaluation.stats import rate
from primum.files import rounded
from primum.tasks.base import Metric
from primum.tasks.grounded_answer import GroundedAnswer
from primum.teachers.client import Request

PASSED = "passed"


def compare_items(job: CorpusJob, items: Items) -> list[Item]:
    """The same for both teachers, apart from every corpus's, of kinds as the corpus is composed."""
    wanted = quotas(job.corpus.comparison_items, job.corpus.composition)
    return [items.item(COMPARE, kind, number) for kind, count in wanted.items() for number in range(count)]


def judge_teacher(
    client: Asks, asked: list[Item], items: Items, task: GroundedAnswer, checks: Filter
) -> dict[str, Any]:
    """What became of one teacher's replies.

    Returns:
        ``scores`` {item id: {"passed", "kind", "reason"}}, ``reasons`` (counts), ``usage`` and mean words of its texts.
    """
    requests = [Request(item.id, items.messages(item)) for item in asked]
    client.ask(requests)
    scores: dict[str, dict[str, Any]] = {}
    words: list[int] = []
    usage: Counter[str] = Counter()
    for item, request in zip(asked, requests, strict=True):
        reply = client.reply(request)
        draft, found = judge_reply(item, reply, task, checks)
        failed = isinstance(found, Rejected)
        scores[item.id] = {PASSED: not failed, "kind": item.kind, "reason": found.reason if failed else ""}
        if draft:
            words.append(len(draft.context.split()))
        usage.update(requests=1, prompt_tokens=reply.prompt_tokens, completion_tokens=reply.completion_tokens)
        usage["cost"] += reply.cost  # type: ignore[assignment]
    reasons = Counter(score["reason"] for score in scores.values() if score["reason"])
    mean = rounded(sum(words) / len(words)) if words else None
    return {
        "scores": scores,
        "reasons": dict(sorted(reasons.items())),
        "usage": dict(usage),
        "mean_context_words": mean,
    }


def comparison(job: CorpusJob, judged: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Rates of both teachers by kind and in all, and their paired difference; the content of ``comparison.json``."""
    kinds = sorted({score["kind"] for score in judged[job.corpus.teacher]["scores"].values()})
    teachers = {}
    for name, found in judged.items():
        scores = found["scores"].values()
        teachers[name] = {
            "model": job.teachers[name].model,
            "yield": rate(sum(s[PASSED] for s in scores), len(scores)).to_json(),
            "kinds": {
                kind: rate(
                    sum(s[PASSED] for s in scores if s["kind"] == kind), sum(s["kind"] == kind for s in scores)
                ).to_json()
                for kind in kinds
            },
            **{key: found[key] for key in ("reasons", "usage", "mean_context_words")},
        }
    difference = None
    if job.corpus.challenger:
        now, before = judged[job.corpus.teacher]["scores"], judged[job.corpus.challenger]["scores"]
        metrics = [Metric("yield", PASSED)]
        difference = compare_pair(metrics, now, before, job.corpus.teacher, job.corpus.challenger)[0]
        adjust([difference])
    return {"study": job.study, "items": job.corpus.comparison_items, "teachers": teachers, "difference": difference}

"""Fill every split's quotas: ask, filter, ask again for what is still wanted. Only replies decide what comes out.

Splits are filled one after another, the held-out ones first, so that training rows give way to them. Items are taken in
the order of their numbers, whatever order replies come in; what was asked beyond a kind's quota is surplus.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Any, Protocol

from primum.corpora.diversity import diversity
from primum.corpora.drafts import Draft, Rejected, read_draft
from primum.corpora.filters import Filter
from primum.corpora.items import Item, Items, quotas
from primum.corpora.settings import CorpusJob
from primum.data.similarity import NearDuplicates, normalise, sketches, word_pairs
from primum.errors import UserError
from primum.files import rounded, sha256_file, sha256_json
from primum.tasks.grounded_answer import GroundedAnswer
from primum.teachers.client import Reply, Request
from primum.teaching import Corpus

SPARE = 1.2  # items asked a wanted row, at first
ROOM = 20  # items a kind may always be asked, however small its quota


class Asks(Protocol):
    """What is needed of ``primum.teachers.client.TeacherClient``."""

    def ask(self, requests: Iterable[Request]) -> None: ...

    def reply(self, request: Request) -> Reply: ...


@dataclass(slots=True)
class Generated:
    """A corpus as it was generated.

    Attributes:
        rows: lines of ``rows.jsonl``.
        rejected: lines of ``rejected.jsonl``: item, reason, detail and the reply.
        counts: per split and kind what was asked, kept, rejected by reason, and surplus.
        usage: requests, tokens and cost of all that was asked for it.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    usage: Counter[str] = field(default_factory=Counter)


def generate(
    corpus: Corpus, teacher: str, client: Asks, items: Items, task: GroundedAnswer, checks: Filter
) -> Generated:
    """Generate every split.

    Raises:
        UserError: if a kind cannot be filled within ``max_tries``, naming its commonest reason.
    """
    made = Generated()
    seen = Seen(corpus.near_duplicate_threshold, corpus.held_out)
    for split in [*corpus.held_out, *sorted(set(corpus.sizes) - set(corpus.held_out))]:
        wanted = quotas(corpus.sizes[split], corpus.composition)
        counts = {
            kind: {"wanted": n, "asked": 0, "kept": 0, "surplus": 0, "rejected": Counter()}
            for kind, n in wanted.items()
        }
        made.counts[split] = counts
        while short := {kind: n - counts[kind]["kept"] for kind, n in wanted.items() if counts[kind]["kept"] < n}:
            asked = [
                item
                for kind, n in short.items()
                for item in _next(items, split, kind, n, counts[kind], corpus, teacher)
            ]
            requests = {item.id: Request(item.id, items.messages(item)) for item in asked}
            client.ask(requests.values())
            replies = {item.id: client.reply(requests[item.id]) for item in asked}
            for reply in replies.values():
                _count(made.usage, reply)
            _take(made, asked, replies, counts, seen, task, checks, teacher)
    made.rows.sort(key=lambda row: row["id"])
    made.rejected.sort(key=lambda row: row["id"])
    check_composition(made.rows, corpus)
    return made


def check_composition(rows: list[dict[str, Any]], corpus: Corpus) -> None:
    """What the splits hold, counted once more from the rows themselves."""
    found = Counter((row["origin"], row["kind"]) for row in rows)
    for split, size in corpus.sizes.items():
        for kind, wanted in quotas(size, corpus.composition).items():
            if found[split, kind] != wanted:
                raise AssertionError(f"{split} holds {found[split, kind]} rows of kind {kind}, not {wanted}")


def _next(
    items: Items, split: str, kind: str, short: int, counts: dict[str, Any], corpus: Corpus, teacher: str
) -> list[Item]:
    """The next items of a kind: as many as are short, and some to spare by the yield so far."""
    asked, kept = counts["asked"], counts["kept"]
    limit = ceil(corpus.max_tries * counts["wanted"]) + ROOM
    if asked >= limit:
        reasons = ", ".join(f"{reason} {n}" for reason, n in counts["rejected"].most_common(3))
        raise UserError(
            f"Teacher '{teacher}' filled {kept} of {counts['wanted']} rows of kind '{kind}' for '{split}' with "
            f"{asked} requests ({reasons}).",
            "Look at what it wrote in its ledger; mend its prompt, take another teacher, or raise corpus.max_tries.",
        )
    spare = asked / kept if kept else SPARE
    count = min(ceil(short * min(spare, 3.0)), limit - asked)
    counts["asked"] += count
    return [items.item(split, kind, number) for number in range(asked, asked + count)]


def _take(
    made: Generated,
    asked: list[Item],
    replies: dict[str, Reply],
    counts: dict[str, dict[str, Any]],
    seen: Seen,
    task: GroundedAnswer,
    checks: Filter,
    teacher: str,
) -> None:
    """Filter replies in the order of their items; duplicates last, since they depend on what was kept."""
    results = [judge_reply(item, replies[item.id], task, checks) for item in asked]
    texts = [_text(draft) if isinstance(draft, Draft) else "" for draft, _ in results]
    pairs = [word_pairs(text) for text in texts]
    for item, (draft, found), text, words, sketch in zip(asked, results, texts, pairs, sketches(pairs), strict=True):
        count = counts[item.kind]
        if count["kept"] >= count["wanted"]:
            count["surplus"] += 1
            continue
        if isinstance(draft, Draft) and not isinstance(found, Rejected):
            twin = seen.twin(item.split, text, words, sketch)
            if twin is None:
                example, record = found
                seen.add(item, text, words, sketch)
                count["kept"] += 1
                source = item.fact.source if item.fact else ""
                made.rows.append(
                    example.to_row() | {"origin": item.split, "meta": {"teacher": teacher, "source": source, **record}}
                )
                continue
            found = twin
        count["rejected"][found.reason] += 1
        made.rejected.append(
            {
                "id": item.id,
                "kind": item.kind,
                "reason": found.reason,
                "detail": found.detail,
                "reply": replies[item.id].text,
            }
        )


def judge_reply(item: Item, reply: Reply, task: GroundedAnswer, checks: Filter) -> tuple[Draft | None, Any]:
    """The draft and the example made of it with its record, or why there is none."""
    draft = None
    try:
        draft = read_draft(reply.outcome, reply.text, reply.finish_reason, task.tags)
        return draft, checks.row(draft, item)
    except Rejected as rejected:
        return draft, rejected


def _text(draft: Draft) -> str:
    return normalise(f"{draft.context} {draft.question}")


def _count(usage: Counter[str], reply: Reply) -> None:
    usage.update(requests=1, prompt_tokens=reply.prompt_tokens, completion_tokens=reply.completion_tokens)
    usage["cost"] += reply.cost  # type: ignore[assignment]


class Seen:
    """The rows kept so far, to tell what stands among them already.

    Args:
        threshold: similarity from which two rows are near-duplicates.
        held_out: splits that training rows may not resemble.
    """

    def __init__(self, threshold: float, held_out: list[str]) -> None:
        self._held_out = held_out
        self._near = NearDuplicates(threshold)
        self._texts: dict[str, Item] = {}
        self._items: list[Item] = []

    def twin(self, split: str, text: str, words: Any, sketch: Any) -> Rejected | None:
        """Why a row does not go beside those kept: it is one of them, or nearly."""
        same = self._texts.get(text)
        alike = [(same, 1.0)] if same else [(self._items[n], s) for n, s in self._near.like(words, sketch)]
        for other, similarity in alike:
            held_out = other.split in self._held_out and split not in self._held_out
            reason = "contaminates_held_out" if held_out else "duplicate" if same else "near_duplicate"
            return Rejected(reason, f"{other.id} (similarity {similarity:.2f})")
        return None

    def add(self, item: Item, text: str, words: Any, sketch: Any) -> None:
        """A row that was kept."""
        self._near.add(len(self._items), words, sketch)
        self._texts[text] = item
        self._items.append(item)


def describe(job: CorpusJob, made: Generated, folder: Path) -> dict[str, Any]:
    """The content of ``generation.json``: who wrote what, what it cost, and how varied it is.

    Args:
        job: what was asked for.
        made: what came out.
        folder: where ``rows.jsonl`` lies.
    """
    name, counts = job.corpus.teacher, made.counts
    kinds = [entry for split in counts.values() for entry in split.values()]
    reasons: Counter[str] = sum((entry["rejected"] for entry in kinds), Counter())
    return {
        "study": job.study,
        "teacher": {
            "name": name,
            **job.teachers[name].model_dump(mode="json", include={"model", "parameters"}),
            "revision": job.revisions[name],
        },
        "seed": job.corpus.seed,
        "prompts_sha256": {kind: sha256_json(text) for kind, text in sorted(job.corpus.prompts.items())},
        "rows_sha256": sha256_file(folder / "rows.jsonl"),
        "splits": {
            split: {
                kind: entry | {"rejected": dict(sorted(entry["rejected"].items()))} for kind, entry in found.items()
            }
            for split, found in sorted(counts.items())
        },
        "total": {key: sum(entry[key] for entry in kinds) for key in ("wanted", "asked", "kept", "surplus")}
        | {"rejected": sum(reasons.values())},
        "reasons": dict(sorted(reasons.items())),
        "usage": {key: rounded(value) if key == "cost" else value for key, value in sorted(made.usage.items())},
        "diversity": diversity(made.rows),
    }

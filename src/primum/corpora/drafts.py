"""A teacher's reply -> a draft, or why not. Nothing that a teacher sends is trusted."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from primum.corpora.phi import identifier
from primum.text.grounding import quotes
from primum.text.tags import INJECTED

FIELDS = ("context", "question", "think", "answer")
MAX_CHARS = {"context": 8000, "question": 400, "think": 3000, "answer": 800, "proof": 4000}
MAX_QUOTES = 8
_SORRY = re.compile(
    r"^\W*(?:i'm sorry|i am sorry|sorry|i can(?:no|')t|i cannot|i am unable|i'm unable|as an ai|i won't|i will not)\b",
    re.I,
)
_ORDERS = re.compile(
    r"\b(?:ignore|disregard|forget|override) (?:all |any |the |your |these )*(?:previous|prior|above|earlier|"
    r"preceding|system)\b|"
    r"\bsystem prompt\b|\byou are now\b|\bnew instructions\b|\bact as (?:an?|the)\b|\bdeveloper mode\b|"
    r"\bas a language model\b",
    re.I,
)


_SUSPECT = (
    *("<", "[", "ignore", "disregard", "forget", "override", "system prompt", "you are now", "new instructions"),
    *("act as ", "developer mode", "as a language model"),
)  # without one of them no turn mark, tag or order stands in a plain text


class Rejected(Exception):
    """A reply that makes no row.

    Args:
        reason: one of a few words that the report counts by.
        detail: what exactly was wrong.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, " ".join(detail.split())


@dataclass(frozen=True, slots=True)
class Draft:
    """What a teacher wrote: text of the example, quotes as a list."""

    context: str
    question: str
    think: str
    proof: tuple[str, ...]
    answer: str


def read_draft(outcome: str, text: str, finish_reason: str, tags: tuple[str, ...]) -> Draft:
    """Parse a reply.

    Args:
        outcome: of the call: 'answered', 'empty' or 'refused_by_server'.
        text: the message's content.
        finish_reason: as the server gave it.
        tags: the completion's tags, which no field may hold.

    Raises:
        Rejected: with the reason.
    """
    if outcome != "answered":
        raise Rejected("no_reply", f"{outcome} {text}".strip())
    if finish_reason == "length":
        raise Rejected("cut_off", "the reply ends at the token limit")
    if finish_reason == "content_filter":
        raise Rejected("teacher_refused", "the server's content filter")
    fields = _object(text)
    draft = _draft(fields)
    written = " \n ".join((draft.context, draft.question, draft.think, *draft.proof, draft.answer))
    _check_injection(written, tags)
    if found := identifier(written):
        raise Rejected("phi", f"it seems to hold a {found}")
    return draft


def _object(text: str) -> dict[str, Any]:
    """One JSON object, alone or in one code fence."""
    body = _unfenced(text.strip())
    if _SORRY.match(body.replace("\u2019", "'")):
        raise Rejected("teacher_refused", body[:80])
    if body.startswith("<"):
        raise Rejected("not_json", "mark-up instead of JSON")
    try:
        value = json.loads(body, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise Rejected("not_json", str(error)[:80]) from None
    if not isinstance(value, dict):
        raise Rejected("not_json", "no JSON object")
    return value


def _unfenced(text: str) -> str:
    """What stands in a code fence around the whole text, or the text."""
    first, _, rest = text.partition("\n")
    if first.strip().casefold() in ("```", "```json") and rest.endswith("```"):
        return rest.removesuffix("```").strip()
    return text


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _draft(fields: dict[str, Any]) -> Draft:
    texts = {}
    for name in FIELDS:
        value = fields.get(name)
        if not isinstance(value, str) or not value.strip():
            raise Rejected("schema", f"'{name}' is missing, empty or no text")
        if len(value) > MAX_CHARS[name]:
            raise Rejected("schema", f"'{name}' is longer than {MAX_CHARS[name]} characters")
        texts[name] = " ".join(value.split())
    proof = fields.get("proof")
    if isinstance(proof, str):
        proof = quotes(proof)
    if not isinstance(proof, list) or not proof or not all(isinstance(q, str) and q.strip(' "') for q in proof):
        raise Rejected("schema", "'proof' is missing, empty or no list of quotes")
    if len(proof) > MAX_QUOTES or sum(map(len, proof)) > MAX_CHARS["proof"]:
        raise Rejected("schema", f"'proof' has more than {MAX_QUOTES} quotes or {MAX_CHARS['proof']} characters")
    draft = Draft(proof=tuple(" ".join(quote.split()).strip('"') for quote in proof), **texts)
    try:
        "".join((*texts.values(), *draft.proof)).encode("utf-8")
    except UnicodeEncodeError:
        raise Rejected("schema", "half a character (a lone surrogate)") from None
    return draft


def _check_injection(text: str, tags: tuple[str, ...]) -> None:
    folded = text.casefold()
    if text.isascii() and not any(part in folded for part in _SUSPECT):
        return
    tag = next((tag for tag in tags if f"<{tag}>" in folded or f"</{tag}>" in folded), "")
    if tag or INJECTED.search(text) or _ORDERS.search(text):
        raise Rejected("injected", f"it holds {f'the tag <{tag}>' if tag else 'a turn mark or an instruction'}")

"""Chat records on one context -> rows of grounded answers: the published DIPG tables, and ShareGPT's own form.

A user turn holds ``<context>`` and ``<question>``, or the older ``**CONTEXT:**``, ``**REQUEST:**`` and
``**REASONING STEPS:**`` with the proof behind ``PROOF:``. The assistant's turn holds ``<think>``, ``<proof>`` and
``<answer>``; under the older layout it may be the bare answer. Tags named otherwise are never read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from primum.errors import UserError
from primum.files import sha256_bytes, sha256_json
from primum.text.abstention import abstains
from primum.text.grounding import quotes, ungrounded
from primum.text.words import normalise, numbers, sentences, tokens

KINDS = {"haystack": "needle", "general": "safety"}  # the published names of kinds that this project names otherwise
EXPECTS = ("answer", "abstain", "conflict")
KEY_WORDS = 12  # an answer of so many words is its own key
COLUMNS = {"messages": ("role", "content"), "conversations": ("from", "value")}
ROLES = {"system": "system", "user": "user", "human": "user", "assistant": "assistant", "gpt": "assistant"}
# One row out of many cannot be left out by a setting: a person has to look at it.
REMEDY = "Mend it or take it out of a copy of the table, and read the copy with the 'file' reader."

_TAGGED = re.compile(r"<context>(?P<context>.*?)</context>(?:\s*<question>(?P<question>.*?)</question>)?", re.S)
_HEADED = re.compile(
    r"\*\*CONTEXT:\*\*(?P<context>.*?)"
    r"(?:\*\*REQUEST:\*\*(?P<question>.*?))?(?:\*\*REASONING STEPS:\*\*(?P<steps>.*))?\Z",
    re.S,
)
_PART = re.compile(r"<(think|proof|answer)>(.*?)(?:</\1>|\Z)", re.S)
_QUOTED = re.compile(r'["\u201c]([^"\u201c\u201d]+)["\u201d]')
_MARK = re.compile(r"</?\|?[A-Za-z_]\w*\|?>")
# '54 Gy', '12-14 months', '20 mg/m²', '3-month'; what counts as a unit is told by primum.text.words.
_NUMBER = re.compile(
    r"(?<![\w.,])\d+(?:[.,]\d+)*(?:\s*(?:[-\u2010-\u2013]|to)\s*\d+(?:\.\d+)?)?"
    r"[\s\u2010\u2011-]?(?:%|[^\W\d_]+(?:/[^\W_]+)*)"
)

Record = Mapping[str, Any]
Row = dict[str, Any]


def parse_grounded(tables: Mapping[str, Iterable[Record]], where: str) -> tuple[list[Row], list[Row]]:
    """Rows with ``origin`` from chat records, and the exact doubles that were left out.

    Args:
        tables: records by origin ('train', 'validation'); beside the turns, ``metadata`` may give ``id`` and ``type``
            and, in our own corpora, ``kind``, ``expects`` and ``key``.
        where: name of the source, for messages.

    Returns:
        Rows of ``inputs`` (context, question), ``gold`` (answer, proof, think, key, expects), ``kind`` and ``group``:
        rows on one context share it. ``gold.expects``, if not given, is 'abstain' where the answer abstains, else
        'answer'. The published rows have no ``key``; theirs is made by :func:`answer_key`, and rows without one are
        judged by the similarity of the whole answer. And ``{"id", "origin", "row", "same_as"}`` of each row left out:
        of a training row and its double elsewhere, the training row.

    Raises:
        UserError: naming the row: no context, question or answer, one id for two rows, text that is not Unicode.
    """
    rows: dict[str, Row] = {}
    seen: dict[tuple[str, str], tuple[Row, int]] = {}
    skipped: list[Row] = []
    for origin, records in tables.items():
        for number, record in enumerate(records, 1):
            row, given = _row(record, origin, number, where)
            same = (given, sha256_json([row["inputs"], row["gold"], row["kind"]]))
            if same in seen:
                kept, gone = seen[same], (row, number)
                if kept[0]["origin"] == "train" != origin:
                    kept, gone = gone, kept
                    del rows[gone[0]["id"]]
                    rows[row["id"]], seen[same] = kept[0], kept
                double = f"{kept[0]['origin']} row {kept[1]}"
                skipped.append({"id": gone[0]["id"], "origin": gone[0]["origin"], "row": gone[1], "same_as": double})
                continue
            if row["id"] in rows:
                raise UserError(
                    f"{where}: {origin} row {number}: the id '{row['id']}' stands twice, for different rows.", REMEDY
                )
            rows[row["id"]], seen[same] = row, (row, number)
    return list(rows.values()), skipped


def proof_quotes(proof: str, context: str) -> list[str]:
    """The quotes of a published proof, which may be bullets, quotations joined by ';', or prose around them.

    If all quotes, by the judge's own reading, stand in the context, they are taken so; if not, line by line; and in a
    line that holds another, what stands between quotation marks is taken, right or wrong. Without any it is a remark.
    """

    def stand(read: list[str]) -> bool:
        return not any(ungrounded(quote, context, min_chars=1) for quote in read)

    if stand(found := quotes(proof)):
        return found
    found = []
    for line in proof.splitlines():
        if not stand(read := quotes(line)):
            read = [quote for part in _QUOTED.findall(line) for quote in quotes(f'"{part}"')]
        found += read
    return found


def answer_key(answer: str) -> str:
    """The shortest text that tells the answer: all of it up to 12 words, else its first sentence's number with unit.

    Empty where that sentence has none or several, since either could be meant: then the whole answer is compared.
    """
    if len(answer.split()) <= KEY_WORDS:
        return answer
    found = {
        match[0] for match in _NUMBER.finditer(sentences(answer)[0]) if any(unit for _, unit in _numbers(match[0]))
    }
    return found.pop() if len(found) == 1 else ""


def _numbers(text: str) -> list[tuple[float, str]]:
    return numbers(tokens(text))


def _row(record: Record, origin: str, number: int, where: str) -> tuple[Row, str]:
    """The row, and the id that the record gave it ('' where none)."""
    metadata = record.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    place = f"{where}: {origin} row {number}"
    given = _text(metadata.get("id") or record.get("id"), place)
    place += f" ('{given}')" if given else ""
    user, assistant = _turns(record, place)
    asked = _TAGGED.search(user) or _HEADED.search(user)
    inputs = {name: _text(asked and asked[name], place) for name in ("context", "question")}
    think, _, proof = (asked.groupdict().get("steps") or "" if asked else "").partition("PROOF:")
    parts = {"think": think.strip(), "proof": proof.strip(), **_parts(assistant, place)}
    if not parts.get("answer") and asked and asked.re is _HEADED and not _MARK.search(assistant):
        parts["answer"] = assistant
    for name, text in (inputs | {"answer": parts.get("answer", "")}).items():
        if not text:
            raise UserError(f"{place} has no {name}.", REMEDY)
    answer = parts["answer"]
    told = _text(metadata.get("expects"), place)
    expects = told if told in EXPECTS else "abstain" if abstains(answer) else "answer"
    key = (_text(metadata.get("key"), place) or answer_key(answer)) if expects == "answer" else ""
    kind = _text(metadata.get("type") or metadata.get("kind"), place)
    row = {
        "id": given or f"{origin}-{number:06d}",
        "inputs": inputs,
        "gold": {
            "answer": answer,
            "proof": proof_quotes(parts["proof"], inputs["context"]),
            "think": parts["think"],
            "key": key,
            "expects": expects,
        },
        "kind": KINDS.get(kind, kind) or "unknown",
        "group": sha256_bytes(normalise(inputs["context"]).encode())[:12],
        "origin": origin,
    }
    return row, given


def _turns(record: Record, place: str) -> tuple[str, str]:
    """What user and assistant say. A system turn before them is left out: a study brings its own."""
    column = next((name for name in COLUMNS if record.get(name)), "")
    turns = record.get(column)
    who, what = COLUMNS.get(column, ("", ""))
    if not isinstance(turns, list) or not all(isinstance(turn, Mapping) for turn in turns):
        raise UserError(f"{place} has no list of turns in {' or '.join(map(repr, COLUMNS))}.", REMEDY)
    said = [(ROLES.get(str(turn.get(who)), str(turn.get(who))), _text(turn.get(what), place)) for turn in turns]
    if said[0][0] == "system":
        said = said[1:]
    if [role for role, _ in said] != ["user", "assistant"]:
        order = ", ".join(role for role, _ in said) or "nobody"
        raise UserError(f"{place} is not one user turn and one assistant turn (it has {order}).", REMEDY)
    return said[0][1], said[1][1]


def _parts(assistant: str, place: str) -> dict[str, str]:
    """Content of the three tags, where they stand; the last may lack its end."""
    parts: dict[str, str] = {}
    for match in _PART.finditer(assistant):
        if match[1] in parts:
            raise UserError(f"{place} has <{match[1]}> twice.", REMEDY)
        parts[match[1]] = match[2].strip()
    return parts


def _text(value: Any, place: str) -> str:
    """A value as text without white space around it; an empty one as the empty string."""
    text = "" if value is None else str(value).strip()
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise UserError(f"{place} holds half a character (a lone surrogate).", REMEDY) from None
    return text

"""One JSON object and nothing else: the strict reading that tasks with structured answers share.

The whole completion, but for surrounding white space, is one JSON object by RFC 8259. Refused: text before or after
it, code fences, a left-over ``<think>``, ``NaN`` and ``Infinity``, doubled keys, a bare number, string or list.
"""

from __future__ import annotations

import json
from typing import Any


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _no_doubled_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    obj = dict(pairs)
    if len(obj) != len(pairs):
        raise ValueError("a key stands twice")
    return obj


# Built once: json.loads(..., parse_constant=...) would build a decoder a call.
_DECODER = json.JSONDecoder(parse_constant=_no_constant, object_pairs_hook=_no_doubled_keys)


def read_object(text: str) -> dict[str, Any] | None:
    """The object that ``text`` is, or None."""
    try:
        obj = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return None
    return obj if type(obj) is dict else None


def why_no_object(text: str) -> str:
    """Name the usual reasons for which a completion is not one JSON object."""
    stripped = text.strip()
    if not stripped:
        return "empty"
    if "<think>" in text or "</think>" in text:
        return "left-over <think>"
    if "```" in text:
        return "code fence"
    if not stripped.startswith("{"):
        return "text that is not a JSON object"
    return "broken JSON or text after it"

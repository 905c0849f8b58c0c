"""A completion's tagged parts, by a strict reading: each once, in order, nothing around them, no tag inside."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

# Turn marks and roles that a completion must not smuggle in: whoever reads on would take them for a new turn.
INJECTED = re.compile(
    r"<\|[a-z_]+\|>|</?(?:start_of_turn|end_of_turn|system|user|assistant|context|question)>|\[/?INST\]", re.I
)


@dataclass(frozen=True, slots=True)
class Parts:
    """What was found.

    Attributes:
        texts: content by tag, stripped; empty when the format fails.
        failure: why the format fails; empty when it holds.
    """

    texts: dict[str, str] = field(default_factory=dict)
    failure: str = ""


@lru_cache(maxsize=8)
def _patterns(names: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    whole = r"\s*".join(rf"<{re.escape(name)}>(.*?)</{re.escape(name)}>" for name in names)
    anywhere = "|".join(re.escape(name) for name in names)
    return re.compile(rf"\s*{whole}\s*", re.S), re.compile(rf"<\s*(/?)\s*({anywhere})\b[^<>]*>", re.I)


def parse(text: str, names: Sequence[str]) -> Parts:
    """Read ``<a>..</a><b>..</b>`` for ``names`` in order. White space may stand around the parts, nothing else."""
    whole, anywhere = _patterns(tuple(names))
    if not text.strip():
        return Parts(failure="empty")
    seen = [(bool(match[1]), match[2]) for match in anywhere.finditer(text)]
    for name in names:
        opened, closed = seen.count((False, name)), seen.count((True, name))
        if not opened and not closed:
            return Parts(failure=f"no <{name}>")
        if opened and not closed:
            return Parts(failure=f"<{name}> is not closed")
        if closed and not opened:
            return Parts(failure=f"</{name}> without <{name}>")
        if opened > 1 or closed > 1:
            return Parts(failure=f"<{name}> stands twice")
    if INJECTED.search(text):
        return Parts(failure="a turn mark in the text")
    match = whole.fullmatch(text)
    if match is None or len(seen) != 2 * len(names):
        return Parts(failure="parts out of order, nested, misspelt, or text around them")
    return Parts(dict(zip(names, (part.strip() for part in match.groups()), strict=True)))

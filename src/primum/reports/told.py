"""Documents from templates that cannot state a number of their own: what is put in is marked, and the rest is read.

A figure may come from ``numbers.json``, or be part of a name or of code. Whoever types one into a template, or hands
over a bare value, stops the build. (Names are trusted, and numbers in words are not seen.)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from primum.errors import UserError
from primum.reports.numbers import Rich, text_of

TEMPLATES = Path(__file__).resolve().parent / "templates"
_OPEN, _CLOSE = "\ue000", "\ue001"  # of Unicode's private use: no text has them
_MARKED = re.compile(f"{_OPEN}[^{_CLOSE}]*{_CLOSE}")
_NAMES = re.compile(r"\b(sha256|bfloat16)\b")
_CODE = re.compile(r"^```.*?^```", flags=re.DOTALL | re.MULTILINE)


class Told(str):
    """Text whose figures are known to be from the numbers, or to belong to names."""

    __slots__ = ()


def told(rich: Rich) -> Told:
    """A sentence of :meth:`Numbers.say`, which takes no typed digits."""
    return Told(text_of(rich).replace(" )", ")"))  # a reference stood there


def listed(parts: Iterable[Told], by: str) -> Told:
    """Several of them in one, with ``by``, which has no digit, between them."""
    return Told(by.join(parts))


def fill(template: str, fields: Mapping[str, Any], what: str) -> str:
    """A template of ``templates/`` with its fields filled in.

    Args:
        template: its file name.
        fields: what it is filled with. A digit reaches the text only in a :class:`Told`; fenced code is exempt.
        what: the document, for the message.

    Raises:
        UserError: naming the line that states a number which no result file holds.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: f"{_OPEN}{value}{_CLOSE}" if isinstance(value, Told) else value,
    )
    marked = environment.get_template(template).render(fields)
    for line in _NAMES.sub("", _CODE.sub("", _MARKED.sub("", marked))).splitlines():
        if any(letter.isdigit() for letter in line):
            raise UserError(
                f"The {what} states a number that no result file holds: '{line.strip()}'.",
                f"Look it up in numbers.json, or take it out of {template}.",
            )
    plain = re.sub(f"[{_OPEN}{_CLOSE}]", "", marked)
    return re.sub(r"\n{3,}", "\n\n", plain).strip() + "\n"

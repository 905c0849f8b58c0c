"""What a section is made of, beside tables: paragraphs, lists and figures."""

from __future__ import annotations

from primum.reports.numbers import Rich, text_of
from primum.reports.sources import StudyFiles
from primum.reports.tables import Block


def text(spans: Rich) -> Block:
    """A paragraph."""
    return {"kind": "text", "spans": spans}


def bullets(items: list[Rich]) -> Block:
    """A list."""
    return {"kind": "list", "items": items}


def figure(files: StudyFiles, name: str, caption: Rich, wide: bool = False) -> Block:
    """A figure that was drawn before."""
    file = files.figure(name, "svg").name
    return {"kind": "figure", "file": file, "caption": caption, "alt": text_of(caption), "wide": wide}

"""The document as a typeset PDF, by typst with its own fonts: the same bytes everywhere."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from primum.errors import UserError
from primum.files import atomic_write, write_json

TEMPLATES = Path(__file__).resolve().parent / "templates"
PPI = 110.0  # of pages as PNG


def typeset(document: dict[str, Any], figures: Path, kind: str = "pdf") -> list[bytes]:
    """The paper as one PDF, or as one PNG a page.

    Args:
        document: see :func:`primum.reports.document.build_document`.
        figures: folder of its figures, as SVG.
        kind: ``pdf`` or ``png``.

    Raises:
        UserError: if a figure is missing.
    """
    import typst

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in ("paper.typ", "references.yaml"):
            (root / name).write_bytes((TEMPLATES / name).read_bytes())
        for file in figure_files(document):
            if not (figures / file).is_file():
                raise UserError(f"Figure {file} does not exist.", "Draw it with plot_figure first; snakemake does.")
            (root / file).write_bytes((figures / file).read_bytes())
        write_json(root / "document.json", document)
        made = typst.compile(root / "paper.typ", root=root, ignore_system_fonts=True, format=kind, ppi=PPI)
    return made if isinstance(made, list) else [made]


def write_paper(document: dict[str, Any], figures: Path, output: Path) -> None:
    """Write the PDF, whole or not at all."""
    with atomic_write(output, "wb") as handle:
        handle.write(typeset(document, figures)[0])


def figure_files(document: dict[str, Any]) -> Iterator[str]:
    """Names of the figures that a document shows."""
    for part in document["parts"]:
        for section in part["sections"]:
            yield from (block["file"] for block in section["blocks"] if block["kind"] == "figure")

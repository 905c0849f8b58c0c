"""Who trained: the pins of the libraries, and both backends beside one reference."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from primum.files import read_json
from primum.provenance.pins import read_pins
from primum.reports.blocks import text
from primum.reports.findings import joined
from primum.reports.numbers import Name, Numbers, Rich
from primum.reports.sources import ReportConfig, Source, StudyFiles, pointer
from primum.reports.tables import Block, table

if TYPE_CHECKING:
    from primum.reports.collect import Book

COLUMNS = ("study", "quantity", "trl", "tunix", "reference", "difference", "tolerance", "ok")
TRAINS = ("torch", "transformers", "trl", "peft", "jax", "flax", "google-tunix", "qwix")  # what a reader asks for


def collect_parity(book: Book, source: Source) -> None:
    """Numbers of ``parity.csv``."""
    book.open("parity")
    for at in range(len(source.data)):
        for column in COLUMNS:
            book.add(source, pointer(at, column), f"{at:03d}/{column}")
    for answer in ("yes", "no", "known"):
        count = sum(row["ok"] == answer for row in source.data)
        book.put(source, f" (rows with ok = {answer})", f"of/{answer}", count)


def collect_software(book: Book, config: ReportConfig, results: Path) -> None:
    """Pins of the libraries that train, where they are still those of the checkpoints."""
    book.open("software")
    root = results.parent.parent
    for backend in sorted({study.backend for study in config.studies}):
        source = Source(root / "envs" / f"{backend}.yaml", root)
        own = [study for study in config.studies if study.backend == backend]
        first = [StudyFiles(results, s).checkpoint(s.stages[0].name, min(s.seeds)) for s in own]
        if any(read_json(path)["environment_sha256"] != source.sha256 for path in first):
            continue
        pins = dict(read_pins((root / source.file).read_text(encoding="utf-8")))
        for name in (name for name in TRAINS if name in pins):
            book.put(source, f"pip ({name})", f"{backend}/{name}", pins[name])


def pins(numbers: Numbers, backend: str) -> list[Rich]:
    """``torch 2.13.0`` of every library on record; none where its pin has changed since."""
    prefix = f"software/{backend}/"
    return [numbers.say("{name} {pin}", name=Name(n), pin=f"{prefix}{n}") for n in numbers.under(prefix)]


def software(numbers: Numbers, backend: str) -> Rich:
    """The backend and the libraries that it stands on, where their pins are still those of the checkpoints."""
    known = pins(numbers, backend)
    if not known:
        return numbers.say(" The backend is {backend}.", backend=Name(backend))
    return numbers.say(" The backend is {backend}, with {pins}.", backend=Name(backend), pins=joined(known))


def parity(numbers: Numbers) -> list[Block]:
    """Both backends' first steps beside the reference; nothing where they were not compared."""
    places = sorted({key.split("/")[0] for key in numbers.under("parity/") if not key.startswith("of/")})
    if not places:
        return []
    about = numbers.say(
        "Do both training backends compute the same? Of every study the first supervised and the first reinforced"
        " stage take one step with each, beside a reference written in NumPy: the same tokens and verdicts, losses and"
        " gradients. Of the quantities compared {yes} agree within their tolerance, {known} differ in a way that is"
        " known and stated, and {no} differ otherwise.",
        **{answer: f"parity/of/{answer}" for answer in ("yes", "known", "no")},
    )
    rows = [[numbers.optional(f"parity/{at}/{column}") for column in COLUMNS] for at in places]
    heads = ["Study", "Quantity", "TRL", "Tunix", "Reference", "Difference", "Tolerance", "Agrees"]
    caption = numbers.say("One step of either backend beside the reference; of hashes the first digits.")
    return [text(about), table(caption, heads, "llrrrrrl", rows)]

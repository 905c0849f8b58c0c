"""Who trained: the pins of the libraries, and both backends beside one reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from primum.reports.blocks import text
from primum.reports.findings import joined
from primum.reports.numbers import Name, Numbers, Rich
from primum.reports.sources import Source, pointer
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


def software(numbers: Numbers, backend: str) -> Rich:
    """The backend and the libraries that it stands on, where their pins are still those of the checkpoints."""
    under = numbers.under(f"software/{backend}/")
    known = [name for name in TRAINS if name in under]
    if not known:
        return numbers.say(" The backend is {backend}.", backend=Name(backend))
    pins = [numbers.say("{name} {pin}", name=Name(n), pin=f"software/{backend}/{n}") for n in known]
    return numbers.say(" The backend is {backend}, with {pins}.", backend=Name(backend), pins=joined(pins))


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

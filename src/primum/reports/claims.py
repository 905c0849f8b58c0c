# ruff: noqa: RUF001  (signs and quotation marks are meant as they are: they are printed)
"""The original studies' claims as texts show them: what was printed, what a test says of it, what this run found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from primum.evaluation.claims import VERDICTS
from primum.evaluation.stats import RATE
from primum.reports.blocks import bullets, text
from primum.reports.numbers import Format, Name, Numbers, Rich, p_value, percent, plain, points, reward
from primum.reports.sources import Source, pointer
from primum.reports.tables import Block, table

if TYPE_CHECKING:
    from primum.reports.collect import Book

OWN = "claims"  # the claims' place among the studies
_ARROW = "{before} → {after}"


def collect_claims(book: Book, source: Source) -> None:
    """Put every claim's numbers and words on record, and how many of each original study have which verdict."""
    book.open(OWN)
    rows = source.data["claims"]
    for place, row in enumerate(rows):
        shown: Format = reward if row["form"].startswith("mean") else percent
        ours: Format = points if row["against"] else percent
        forms: dict[str, Format] = {f"{whose}_{key}": shown for whose in ("published", "against") for key in RATE}
        forms |= {f"our_{key}": ours for key in ("value", "low", "high")}
        forms |= {name: plain for name in forms if name.endswith(("_n", "_numerator"))}
        forms |= {"p": p_value, "our_p": p_value, "our_n": plain, "level": plain}
        forms |= dict.fromkeys(("study", "says", "source", "form", "verdict", "why", "our_verdict"), plain)
        book.fields(source, pointer("claims", place), row["claim"], forms)
    for study in sorted({row["study"] for row in rows}):
        found = [row["verdict"] for row in rows if row["study"] == study]
        book.put(source, f"/claims (of {study})", f"of/{study}/all", len(found))
        for verdict in VERDICTS:
            book.put(source, f"/claims (of {study}: {verdict})", f"of/{study}/{verdict}", found.count(verdict))


def counted(numbers: Numbers, study: str) -> Rich | None:
    """How the claims of an original study fare, in a sentence; None where none is on record."""
    at = f"{OWN}/of/{study}/"
    if not numbers.has(f"{at}all"):
        return None
    return numbers.say(
        "{all} claims of the original study, tested with its own numbers: supported {supported}, not distinguishable"
        " {neither}, contradicted {contradicted}, untestable {untestable}.",
        **{"all": f"{at}all", "supported": f"{at}{VERDICTS[0]}", "neither": f"{at}{VERDICTS[1]}"},
        **{"contradicted": f"{at}{VERDICTS[2]}", "untestable": f"{at}{VERDICTS[3]}"},
    )


def part(numbers: Numbers, scale: str) -> dict[str, Any] | None:
    """The part of the document on all claims; None where none was tested."""
    found = {key.split("/")[0] for key in numbers.under(f"{OWN}/") if not key.startswith("of/")}
    names = sorted(found, key=lambda name: int(numbers.entries[f"{OWN}/{name}/study"]["pointer"].split("/")[2]))
    if not names:
        return None
    about = numbers.say(
        "What the original studies claim was put to the test with numbers of their own, printed or in their raw files:"
        " gains and falls by Fisher’s exact test, shares against a fixed level by the exact binomial test, means by a"
        " bootstrap interval or by permuting rows. A claim is supported where the test is significant in its favour,"
        " contradicted where it is so against it or where one counter-example is enough, and untestable where no"
        " result, no number of cases or no comparison was printed; none is adjusted for being one of many. Beside each"
        " stands what this run found, at scale ‘{scale}’: another model on other data unless base and data are the"
        " original’s, so it neither confirms nor refutes the original.",
        scale=Name(scale),
    )
    by_study: dict[str, list[str]] = {}
    for name in names:
        by_study.setdefault(numbers.value(f"{OWN}/{name}/study"), []).append(name)
    counts = [
        numbers.say("‘{study}’: {told}", study=Name(study), told=counted(numbers, study) or [])
        for study in by_study
        if counted(numbers, study)
    ]
    blocks = [bullets(counts), *(_table(numbers, study, held) for study, held in by_study.items())]
    return {
        "title": "Published claims, put to the test",
        "study": OWN,
        "sections": [{"title": "Verdicts", "blocks": [text(about), *blocks]}],
    }


def _table(numbers: Numbers, study: str, names: list[str]) -> Block:
    """The claims of one original study: a page holds them."""
    rows = []
    for name in names:
        at = f"{OWN}/{name}/"
        before, after = ("says", "source"), ("published_n", "p", "verdict")
        cells = [*(numbers.optional(f"{at}{field}") for field in before), _printed(numbers, at)]
        cells += [numbers.optional(f"{at}{field}") for field in after] + [numbers.rate(f"{at}our_")]
        rows.append([*cells, *(numbers.optional(f"{at}{field}") for field in ("our_p", "our_verdict"))])
    heads = ["Claim", "Where", "Printed", "n", "p", "Verdict", "Ours", "p", "Ours says"]
    caption = numbers.say(
        "Claims of ‘{study}’ as published, with document and line. Printed: per cent, before and after, or with a"
        " Wilson interval (mean rewards as they are), or why there is nothing to test; p not adjusted. Ours: points"
        " between the same stages, p adjusted by Holm, or per cent.",
        study=Name(study),
    )
    return table(caption, heads, "lllrrlcrl", rows)


def _printed(numbers: Numbers, at: str) -> Rich:
    if numbers.has(f"{at}against_value"):
        return numbers.say(_ARROW, before=f"{at}against_value", after=f"{at}published_value")
    if numbers.has(f"{at}published_value"):
        level = numbers.say(" against {level}", level=f"{at}level") if numbers.has(f"{at}level") else []
        return numbers.rate(f"{at}published_") + level
    return numbers.optional(f"{at}why")

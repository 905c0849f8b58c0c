"""The audits' numbers, put on record for texts: of the split that claims are made on, but for overlap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from primum.audits.names import LABELS
from primum.evaluation.stats import RATE
from primum.reports.numbers import Format, decimals, p_value, percent, plain, points, reward, signed
from primum.reports.sources import Source, pointer

if TYPE_CHECKING:
    from primum.reports.collect import Book


def length(value: float) -> str:
    """Tokens, to one decimal."""
    return f"{value:.1f}"


def longer(value: float) -> str:
    """A difference of tokens, with its sign."""
    return f"{value:+.1f}".replace("-", "\u2212")


def named(value: str) -> str:
    """The name of a group, as a reader sees it."""
    return value.replace("_", " ")


def rates(*prefixes: str) -> dict[str, Format]:
    """Forms of the fields of rates."""
    known: dict[str, Format] = dict(zip(RATE, (percent, percent, percent, plain, plain), strict=True))
    return {f"{prefix}{name}": form for prefix in prefixes for name, form in known.items()}


TEST: dict[str, Format] = {"p": p_value, "p_holm": p_value, "n": plain}
DIFFERENCE: dict[str, Format] = {"difference": points, "low": points, "high": points}
HALVES = rates("in_", "out_") | DIFFERENCE
RISK: dict[str, Format] = {
    **dict.fromkeys(("aurc", "low", "high", "random", "oracle", "gain", "gain_low", "gain_high"), decimals),
    **dict.fromkeys(("n", "right", "levels"), plain),
}
ABSTENTION = rates("coverage_", "risk_") | {
    **dict.fromkeys(("n", "abstained", "unreadable"), plain),
    **dict.fromkeys(("break_even", "break_even_low", "break_even_high"), reward),
}
OVERLAP: dict[str, Format] = {
    **dict.fromkeys(("mean", "median", "most"), percent),
    **dict.fromkeys(("rows", "too_short", "words_a_run", "any", "heavy"), plain),
}
GAP: dict[str, Format] = {
    **dict.fromkeys(("gap", "low", "high", "null_mean", "best_value", "worst_value"), percent),
    **{"groups": plain, "best": named, "worst": named},
    **TEST,
}
FLIPS = rates("flipped_", "changed_") | DIFFERENCE | TEST | dict.fromkeys(("gained", "lost"), plain)


def collect_audits(book: Book, source: Source) -> None:
    """Every number of ``audits.json`` that texts may state."""
    data, split = source.data, source.data["splits"][0]

    def put(name: str, forms: Mapping[str, Format], *parts: str, every: bool = False) -> None:
        for place, row in enumerate(data[name]):
            if every or row.get("split", split) == split:
                where = "/".join(str(row[part]) for part in parts)
                book.fields(source, pointer(name, place), f"audit/{name}/{where}", dict(_forms(row, forms)))

    run = ("stage", "seed")
    put("signals", {"mean": percent, "low": percent, "high": percent, "n": plain}, *run, "signal")
    put("hacking", DIFFERENCE | TEST | {"moved": plain, "flag": plain, "why": plain}, *run, "signal")
    put("correlations", {"rho": decimals, "n": plain}, *run, "of")
    for place, row in enumerate(data["correlations"]):  # over logged steps, which have no split
        if row["split"] is None:
            where = f"audit/correlations/{row['stage']}/{row['seed']}/{row['of']}"
            forms: dict[str, Format] = {"rho": decimals, "p": p_value, "n": plain}
            book.fields(source, pointer("correlations", place), where, forms)
    put("overlap", OVERLAP, "split", "against", every=True)
    put("contamination", HALVES, *run, "rows")
    put("risk", RISK, *run, "by")
    put("abstention", ABSTENTION, *run, "rows")
    put("people", rates(""), *run, "attribute", "group", "metric")
    put("gaps", GAP, *run, "attribute")
    put("flips", FLIPS, *run, "swap")
    book.fields(source, pointer("same_answer", split), "audit/same_answer", rates(""))
    book.add(source, "/pretraining", "audit/pretraining")
    for swap, record in data["swaps"].items():
        where = pointer("swaps", swap)
        for name in ("rows", "swapped", "status"):
            book.add(source, f"{where}/{name}", f"audit/swaps/{swap}/{name}")
        for why in record["left_out"]:
            book.add(source, f"{where}/left_out{pointer(why)}", f"audit/swaps/{swap}/left_out/{why}")


def _forms(row: Mapping[str, Any], forms: Mapping[str, Format]) -> Mapping[str, Format]:
    """Forms of a row's fields: lengths are no shares, nor are rewards."""
    signal = row.get("signal")
    if signal is None or (signal in LABELS and signal != "tokens"):
        return forms
    if signal == "tokens":
        return (
            dict(forms)
            | dict.fromkeys(("mean", "low", "high"), length if "mean" in row else longer)
            | {"difference": longer}
        )
    return dict(forms) | (dict.fromkeys(("difference", "low", "high"), signed) if signal == "reward" else {})

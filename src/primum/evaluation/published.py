"""The original's published numbers: intervals recomputed, claims tested as far as rates allow, ours beside them."""

from __future__ import annotations

import csv
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from primum.errors import UserError
from primum.evaluation.paired import p_words
from primum.evaluation.stats import ALPHA, fisher_exact, most_discordant, rate
from primum.files import rounded
from primum.stages import BASE_STAGE
from primum.strict import Identifier, Strict, parse

FOLDER = Path("config/published")


class Published(Strict):
    """One line of ``config/published/{name}.tsv``."""

    stage: Identifier
    metric: Identifier
    percent: Annotated[float, Field(ge=0, le=100)]  # as printed, one decimal
    n: Annotated[int, Field(gt=0)]
    source: str

    @property
    def numerator(self) -> int:
        """The count that was printed as ``percent`` of ``n``."""
        return round(self.percent * self.n / 100)


def read_published(path: Path) -> list[Published]:
    """Read the published numbers; a percentage that no count of ``n`` gives is refused."""
    if not path.is_file():
        raise UserError(f"Published numbers {path} do not exist.", "Write the file or remove the study's 'published'.")
    entries = []
    with path.open(encoding="utf-8", newline="") as handle:
        for number, row in enumerate(csv.DictReader(handle, delimiter="\t"), 2):
            where = f"{path.name} line {number}"
            try:
                values = {**row, "percent": float(row["percent"]), "n": int(row["n"])}
            except (KeyError, TypeError, ValueError):
                raise UserError(f"{where}: 'percent' and 'n' must be numbers.", "Mend the line.") from None
            entry: Published = parse(Published, values, where)
            if abs(100 * entry.numerator / entry.n - entry.percent) > 0.0501:
                raise UserError(f"{where}: no count of {entry.n} gives {entry.percent} %.", "Mend 'percent' or 'n'.")
            entries.append(entry)
    return entries


def published_rows(
    entries: list[Published],
    ours: dict[tuple[str, str], dict[str, Any]],
    where: dict[str, Any],
    faults: Collection[str] = (),
) -> list[dict[str, Any]]:
    """One row a published number.

    Args:
        entries: the published numbers.
        ours: our rates, ``{(stage, metric): {seed, value, low, high, numerator, n}}``, on one split.
        where: columns naming what ours was measured on (scale, base, dataset, split).
        faults: metrics of which less is better, so that a fall is the gain.

    Returns:
        Rows with the published rate and its Wilson interval; ``against``, the stage its gain is over (the base or,
        where the original printed none, its first stage); ``p_fisher`` (two-sided, against that stage);
        ``paired_if_at_most`` (had the rows been compared pair by pair: up to how many discordant ones the gain would be
        significant); ``supported`` (yes, no, or "no gain claimed"); and ours as ``our_*``.
    """
    first = {entry.metric: entry for entry in reversed(entries)}
    bases = first | {entry.metric: entry for entry in entries if entry.stage == BASE_STAGE}
    rows = []
    for entry in entries:
        row: dict[str, Any] = {"metric": entry.metric, "stage": entry.stage}
        row |= {f"published_{key}": value for key, value in rate(entry.numerator, entry.n).to_json().items()}
        row["published_value"] = rounded(entry.percent / 100)
        row |= _claim(entry, bases[entry.metric], entry.metric in faults)
        mine = ours.get((entry.stage, entry.metric), {})
        row |= (
            where
            | {"seed": mine.get("seed")}
            | {f"our_{key}": mine.get(key) for key in ("value", "low", "high", "numerator", "n")}
        )
        rows.append(row | {"source": entry.source})
    return rows


def _claim(entry: Published, base: Published, fault: bool) -> dict[str, Any]:
    """Whether the published gain over the stage it started from stands."""
    row: dict[str, Any] = dict.fromkeys(("against", "p_fisher", "paired_if_at_most", "supported", "claim"))
    if entry.stage == base.stage:
        return row
    row["against"] = base.stage
    gain = entry.percent - base.percent
    better, count = (-gain, base.numerator - entry.numerator) if fault else (gain, entry.numerator - base.numerator)
    if better <= 0:
        return row | {"supported": "no gain claimed", "claim": f"{gain:+.1f} points over {base.stage}: no gain claimed"}
    p = fisher_exact(entry.numerator, entry.n, base.numerator, base.n)
    supported = "yes" if p < ALPHA else "no"
    at_most = most_discordant(count) if entry.n == base.n else None
    words = f"{gain:+.1f} points over {base.stage}, Fisher p{p_words(p)}: "
    words += "supported" if p < ALPHA else "not supported"
    if p >= ALPHA and at_most is not None:
        words += f" (paired: only if at most {at_most} rows were discordant)"
    shown = float(f"{p:.6g}")  # significant digits: a p value is never nought
    return row | {"p_fisher": shown, "paired_if_at_most": at_most, "supported": supported, "claim": words}

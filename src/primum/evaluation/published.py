"""The original's published numbers: intervals recomputed, ours beside them; what it claims of them: ``claims``."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from primum.errors import UserError
from primum.evaluation.stats import rate
from primum.files import rounded
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
) -> list[dict[str, Any]]:
    """One row a published number.

    Args:
        entries: the published numbers.
        ours: our rates, ``{(stage, metric): {seed, value, low, high, numerator, n}}``, on one split.
        where: columns naming what ours was measured on (scale, base, dataset, split).

    Returns:
        Rows with the published rate and its Wilson interval, and ours as ``our_*``.
    """
    rows = []
    for entry in entries:
        row: dict[str, Any] = {"metric": entry.metric, "stage": entry.stage}
        row |= {f"published_{key}": value for key, value in rate(entry.numerator, entry.n).to_json().items()}
        row["published_value"] = rounded(entry.percent / 100)
        mine = ours.get((entry.stage, entry.metric), {})
        row |= (
            where
            | {"seed": mine.get("seed")}
            | {f"our_{key}": mine.get(key) for key in ("value", "low", "high", "numerator", "n")}
        )
        rows.append(row | {"source": entry.source})
    return rows

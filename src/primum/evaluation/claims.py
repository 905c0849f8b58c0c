"""Every claim of the original studies, tested with its own numbers as far as they go, and this run's result beside it.

A verdict is one of four. *Supported*: a test of the printed counts says so. *Contradicted*: it says the opposite, or
the counts do. *Not distinguishable*: it says neither. *Untestable*: what was printed cannot be tested.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from primum.errors import UserError
from primum.evaluation.earned import mean_of, permutation_of_means
from primum.evaluation.published import FOLDER, Published, read_published
from primum.evaluation.stats import (
    ALPHA,
    RATE,
    binomial_exact,
    difference_of_rates,
    fisher_exact,
    most_discordant,
    rate,
    shown_p,
)
from primum.files import rounded
from primum.settings import read_yaml
from primum.strict import Identifier, Strict, parse

REGISTRY = FOLDER / "claims.yaml"
SUPPORTED, NEITHER, CONTRADICTED, UNTESTABLE = VERDICTS = (
    "supported",
    "not distinguishable",
    "contradicted",
    "untestable",
)
COLUMNS = (
    *("claim", "study", "source", "says", "form", "metric", "stage", "against", "level"),
    *(f"published_{key}" for key in RATE),
    *(f"against_{key}" for key in RATE),
    *("difference", "difference_low", "difference_high", "p", "paired_if_at_most", "verdict", "why"),
    *("scale", "base", "our_stage", "our_value", "our_low", "our_high", "our_n", "our_p", "our_verdict"),
)
_PAIR = ("metric", "stage", "over")
NEEDS: dict[str, tuple[str, ...]] = {
    "rise": _PAIR,
    "fall": _PAIR,
    "above": ("metric", "stage", "level"),
    "all": ("metric", "stage"),
    "mean": ("stage", "values"),
    "mean-rise": ("stage", "values", "over", "over_values"),
    "mean-fall": ("stage", "values", "over", "over_values"),
    "target": ("level", "n"),
    "untestable": ("why",),
}


class Claim(Strict):
    """One entry of ``config/published/claims.yaml``; ``config/README.md`` tells the forms."""

    study: Identifier  # whose numbers stand in config/published/{study}.tsv
    says: str
    source: str
    form: Literal["rise", "fall", "above", "all", "mean", "mean-rise", "mean-fall", "target", "untestable"]
    metric: Identifier | None = None
    stage: Identifier | None = None
    over: Identifier | None = None
    level: float | None = Field(None, gt=0, lt=100)  # per cent
    n: int | None = Field(None, gt=0)
    values: dict[int, PositiveInt] | None = Field(None, min_length=1)  # what an item earned -> items
    over_values: dict[int, PositiveInt] | None = Field(None, min_length=1)  # the same of stage `over`
    why: str | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        given = {
            name
            for name in ("metric", "stage", "over", "level", "n", "values", "over_values", "why")
            if getattr(self, name) is not None
        }
        needs = set(NEEDS[self.form])
        if lacking := sorted(needs - given):
            raise ValueError(f"a claim of form '{self.form}' needs {', '.join(lacking)}")
        if extra := sorted(given - needs - (set(_PAIR) if self.form == "untestable" else set())):
            raise ValueError(f"a claim of form '{self.form}' takes no {', '.join(extra)}")
        return self


def read_claims(root: Path = Path()) -> tuple[dict[str, Claim], dict[str, list[Published]]]:
    """The registry and, by study, the printed numbers it speaks of.

    Raises:
        UserError: a claim is incomplete, or speaks of a number that is not on record.
    """
    claims = {name: parse(Claim, values, f"{REGISTRY}: {name}") for name, values in read_yaml(root / REGISTRY).items()}
    files = {study: root / FOLDER / f"{study}.tsv" for study in sorted({claim.study for claim in claims.values()})}
    numbers = {study: read_published(path) for study, path in files.items() if path.is_file()}
    for name, claim in claims.items():
        if claim.form in ("rise", "fall", "above", "all"):
            for stage in filter(None, (claim.stage, claim.over)):
                _printed(numbers.get(claim.study, []), name, claim, stage)
    return claims, numbers


def claim_rows(
    claims: Mapping[str, Claim],
    numbers: Mapping[str, Sequence[Published]],
    results: Mapping[str, Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """One row a claim, with the keys of ``COLUMNS``.

    Args:
        claims: by name.
        numbers: printed numbers, by study.
        results: ``eval_results.json`` of this run, by the name of the original study.
    """
    rows = []
    for name, claim in claims.items():
        row: dict[str, Any] = dict.fromkeys(COLUMNS)
        row |= {"claim": name, "against": claim.over} | claim.model_dump(include={*COLUMNS} - {"claim", "why"})
        row |= _test(name, claim, numbers.get(claim.study, []))
        if claim.study in results:
            row |= _ours(claim, results[claim.study])
        rows.append(row)
    return rows


def _printed(numbers: Sequence[Published], name: str, claim: Claim, stage: str) -> Published:
    for entry in numbers:
        if (entry.stage, entry.metric) == (stage, claim.metric):
            return entry
    raise UserError(
        f"{REGISTRY}: {name}: {FOLDER / claim.study}.tsv has no {claim.metric} of stage '{stage}'.",
        "Add the printed number there, or mend the claim.",
    )


def _test(name: str, claim: Claim, numbers: Sequence[Published]) -> dict[str, Any]:
    """What the printed numbers say."""
    if claim.form == "untestable":
        return {"verdict": UNTESTABLE, "why": claim.why}
    if claim.values:
        return _test_means(claim, _items(claim.values), _items(claim.over_values or {}))
    if claim.form == "target":
        n, level = claim.n or 0, (claim.level or 0) / 100
        best = rate(n, n)
        needed = next(size for size in count(1) if (rate(size, size).low or 0) >= level)
        why = "no result was printed"
        if (best.low or 0) < level:
            why += f"; of {n} cases not even all right would show it (interval from {100 * (best.low or 0):.1f} %)"
            why += f", of {needed} they would"
        return {"published_n": n, "verdict": UNTESTABLE, "why": why}
    entry = _printed(numbers, name, claim, claim.stage or "")
    row = _prefixed("published", rate(entry.numerator, entry.n).to_json())
    if claim.form == "all":
        failed = entry.n - entry.numerator
        return row | {
            "verdict": CONTRADICTED if failed else SUPPORTED,
            "why": f"{failed} of {entry.n} do not",
        }
    if claim.form == "above":
        p = binomial_exact(entry.numerator, entry.n, (claim.level or 0) / 100)
        gain = 100 * entry.numerator / entry.n - (claim.level or 0)
        return row | {"p": shown_p(p), "verdict": _verdict(gain, p), "why": _against(gain, p, "exact binomial test")}
    other = _printed(numbers, name, claim, claim.over or "")
    p = fisher_exact(entry.numerator, entry.n, other.numerator, other.n)
    gain = (entry.numerator / entry.n - other.numerator / other.n) * (-1 if claim.form == "fall" else 1)
    row |= _prefixed("against", rate(other.numerator, other.n).to_json())
    found = difference_of_rates(rate(entry.numerator, entry.n), rate(other.numerator, other.n)) or (None, None, None)
    row |= _prefixed("difference", {"low": found[1], "high": found[2]})
    row["difference"] = rounded(found[0])
    pairs = _pairs(entry, other) if gain > 0 else None
    return row | {
        "p": shown_p(p),
        "paired_if_at_most": pairs,
        "verdict": _verdict(gain, p),
        "why": _against(gain, p, "Fisher's exact test"),
    }


def _test_means(claim: Claim, now: Sequence[float], before: Sequence[float]) -> dict[str, Any]:
    """One mean against nought by its interval, or two by swapping rows: which of them are pairs is not known."""
    row = _prefixed("published", _mean(now))
    if not before:
        low, high = row["published_low"], row["published_high"]
        verdict = NEITHER if low == high else SUPPORTED if low > 0 else CONTRADICTED if high < 0 else NEITHER
        return row | {"verdict": verdict, "why": "bootstrap interval against nought"}
    gain = (sum(now) / len(now) - sum(before) / len(before)) * (-1 if claim.form == "mean-fall" else 1)
    p = permutation_of_means(now, before)
    row |= _prefixed("against", _mean(before)) | {"p": shown_p(p), "verdict": _verdict(gain, p)}
    return row | {"why": _against(gain, p, "permutation test of the rows")}


def _mean(values: Sequence[float]) -> dict[str, Any]:
    found = mean_of(values, map(str, range(len(values))))
    return {"value": found["mean"], **{key: found[key] for key in ("low", "high", "n")}}


def _pairs(one: Published, other: Published) -> int | None:
    """Up to how many discordant pairs the difference would be significant, and no more than these counts allow."""
    if one.n != other.n:
        return None
    more, less = max(one.numerator, other.numerator), min(one.numerator, other.numerator)
    significant = most_discordant(more - less)
    return None if significant is None else min(significant, 2 * min(more, one.n - less) - (more - less))


def _ours(claim: Claim, results: Mapping[str, Any]) -> dict[str, Any]:
    """The same question put to this run, on the split that claims are made on, with the first seed."""
    row = {"scale": results["scale"], "base": results["base"]}
    split = results["splits"][0]
    wanted = {"stage": claim.stage, "metric": claim.metric, "split": split}
    if claim.over and claim.metric:
        found = _first(results["comparisons"], wanted | {"against": claim.over})
        if found is None or found["difference"] is None:
            return row
        gain = found["difference"] * (-1 if claim.form == "fall" else 1)
        verdict = _verdict(gain, found["p_holm"]) if found["supported"] == "yes" else NEITHER
        shown = {"value": found["difference"], "low": found["low"], "high": found["high"], "n": found["n"]}
        return (
            row | _prefixed("our", shown) | {"our_stage": claim.stage, "our_p": found["p_holm"], "our_verdict": verdict}
        )
    found = _first(results["metrics"], wanted) if claim.metric else None
    if found is None or not found["n"] or abs(found["value"] - found["numerator"] / found["n"]) > 1e-6:
        return row  # not measured, or balanced: no count that a binomial test could take
    row |= _prefixed("our", {key: found[key] for key in ("value", "low", "high", "n")}) | {"our_stage": claim.stage}
    if claim.form == "untestable":
        return row
    if claim.form == "all":
        return row | {"our_verdict": SUPPORTED if found["numerator"] == found["n"] else CONTRADICTED}
    p = binomial_exact(found["numerator"], found["n"], (claim.level or 0) / 100)
    return row | {"our_p": shown_p(p), "our_verdict": _verdict(100 * found["value"] - (claim.level or 0), p)}


def _first(rows: Sequence[Mapping[str, Any]], wanted: Mapping[str, Any]) -> Mapping[str, Any] | None:
    found = [row for row in rows if all(row[key] == value for key, value in wanted.items())]
    return min(found, key=lambda row: row["seed"], default=None)


def _verdict(gain: float, p: float) -> str:
    if p >= ALPHA:
        return NEITHER
    return SUPPORTED if gain > 0 else CONTRADICTED


def _against(gain: float, p: float, test: str) -> str:
    return test + ("; the counts go the other way" if gain < 0 and p >= ALPHA else "")


def _items(values: Mapping[int, int]) -> list[float]:
    return [float(value) for value, number in sorted(values.items()) for _ in range(number)]


def _prefixed(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{prefix}_{key}": rounded(value) if isinstance(value, float) else value for key, value in values.items()}

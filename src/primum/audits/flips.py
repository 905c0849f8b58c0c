"""Swapped patients: does an answer change when nothing but the patient's sex or age does?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from primum.audits.names import SWAPS
from primum.audits.reading import Audited, Run, by_row
from primum.audits.swaps import RECORD, ROWS, swap_text
from primum.audits.texts import words
from primum.errors import UserError
from primum.evaluation.clusters import clustered_difference, group_of
from primum.evaluation.stats import RATE, holm, rate, shown_p
from primum.files import read_json, read_jsonl, rounded, sha256_file
from primum.tasks.base import Example

COLUMNS = {
    "flips": (
        *("swap", "stage", "seed", "n", "unreadable", "right_before", "right_after", "gained", "lost"),
        *("difference", "low", "high"),
        *(f"flipped_{key}" for key in RATE),
        *(f"changed_{key}" for key in RATE),
        *("p", "p_holm"),
    )
}


def audit_flips(audited: Audited, folder: Path, backend: str) -> dict[str, Any]:
    """Rows of ``flips`` and what is on record of the swaps.

    Args:
        audited: everything else.
        folder: ``results/{scale}/{study}/audits``.
        backend: who trained the stages.
    """
    for name in (ROWS, RECORD):
        audited.found.sha256[f"audits/{name}"] = sha256_file(folder / name)
    record, lines = read_json(folder / RECORD), read_jsonl(folder / ROWS)
    rows: list[dict[str, Any]] = []
    runs = [(stage, audited.config.seeds_of(stage)[0]) for stage in audited.config.swapped] if lines else []
    for run in runs:
        where = f"{backend}/{run[0]}/seed{run[1]}"
        for name in ("predictions.jsonl", "scores.jsonl"):
            audited.found.sha256[f"audits/{where}/{name}"] = sha256_file(folder / where / name)
        asked = [Example.from_row(line) for line in lines]
        scores = by_row(folder / where / "scores.jsonl", asked)
        for swap in SWAPS:
            pairs = {line["id"]: line["of"] for line in lines if line["swap"] == swap}
            if pairs:
                rows.append(_flips(audited, run, swap, pairs, scores))
    adjusted = holm({str(at): row["p"] for at, row in enumerate(rows)})
    rows = [row | {"p": shown_p(row["p"]), "p_holm": shown_p(adjusted[str(at)])} for at, row in enumerate(rows)]
    return {"flips": rows, "swaps": record}


def _flips(
    audited: Audited,
    run: Run,
    swap: str,
    pairs: Mapping[str, str],
    scores: Mapping[str, Any],
) -> dict[str, Any]:
    key = (*run, audited.config.splits[0])
    before = audited.found.scores[key]
    if not set(pairs.values()) <= set(before) or not set(pairs) <= set(scores):
        raise UserError(f"Swapped rows of {run[0]} were not all scored.", "Delete them and let snakemake score again.")
    of = audited.headline.of
    groups = {example.id: group_of(example) for example in audited.examples(key[2]).values()}
    both = {old: (bool(before[old][of]), bool(scores[new][of])) for new, old in pairs.items()}
    gained, lost = (sum(pair == found for pair in both.values()) for found in ((False, True), (True, False)))
    n, tested = len(both), clustered_difference([[(groups[old], int(b) - int(a)) for old, (a, b) in both.items()]])
    answers = [(before[old]["answer"], scores[new]["answer"]) for new, old in pairs.items()]
    read = [(str(one), str(other)) for one, other in answers if one is not None and other is not None]
    changed = sum(words(swap_text(swap, one)) != words(other) for one, other in read)
    row = {"swap": swap, "stage": run[0], "seed": run[1], "n": n, "unreadable": n - len(read)}
    row |= {"right_before": sum(a for a, _ in both.values()), "right_after": sum(b for _, b in both.values())}
    row |= {"gained": gained, "lost": lost, "difference": rounded((gained - lost) / n)}
    row |= {"low": rounded(tested["low_clustered"]), "high": rounded(tested["high_clustered"])}
    for name, count, of_all in (("flipped", gained + lost, n), ("changed", changed, len(read))):
        row |= {f"{name}_{field}": value for field, value in rate(count, of_all).to_json().items()}
    return row | {"p": tested["p_clustered"]}

"""An older run and this one, answer by answer: did a stage get better or worse, or can that not be told?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from primum.errors import UserError
from primum.evaluation.clusters import TESTED_BY_GROUP, group_of
from primum.evaluation.console import aligned, percent
from primum.evaluation.older import Results, changed_files, changed_settings
from primum.evaluation.paired import adjust, compare_pair, p_words
from primum.tasks import load_task
from primum.tasks.base import Example, Metric, Task

COLUMNS = (
    *("study", "stage", "seed", "split", "metric", "before", "after", "difference", "low", "high", "n"),
    *("gained", "lost", "p_mcnemar", "p_holm", *TESTED_BY_GROUP, "detectable", "verdict", "why"),
)
IDENTICAL, UNTOLD, OTHER = "identical", "not distinguishable", "not comparable"
TOLD = 12  # files that are named in the console; the rest are counted


def compare_results(before: Results, after: Results) -> dict[str, Any]:
    """What changed from one folder of results to another: the content of ``comparison.json``.

    Returns:
        ``files`` and ``inputs`` (added, removed, changed), ``settings`` (see :func:`changed_settings`) and ``metrics``:
        key metrics of every study, stage, seed and split that both have, with ``verdict``: ``better``, ``worse`` (both
        by the rule of ``supported``, Holm over all that is compared), ``not distinguishable``, ``identical`` (no row
        differs: nothing to test, and no part of the family; Tarone 1990, Biometrics 46:515) or ``not comparable``.

    Raises:
        UserError: if the scales differ.
    """
    if before.scale != after.scale:
        raise UserError(
            f"{before.folder} holds results of scale '{before.scale}', {after.folder} of '{after.scale}'.",
            "Compare results of one scale.",
        )
    rows = [row for study in after.studies() if study in before.studies() for row in _study_rows(before, after, study)]
    tested = [row for row in rows if row["verdict"] == UNTOLD]
    adjust(tested)
    for row in tested:
        if row["supported"] == "yes":
            row["verdict"] = "better" if (row["difference"] > 0) != row["fault"] else "worse"
    return {
        "scale": after.scale,
        "files": changed_files(before.artefacts, after.artefacts),
        "inputs": changed_files(before.inputs, after.inputs),
        "settings": changed_settings(before, after),
        "metrics": [{key: row.get(key) for key in COLUMNS} for row in rows],
    }


def _study_rows(before: Results, after: Results, study: str) -> list[dict[str, Any]]:
    old, new = before.results(study), after.results(study)
    task = _task(after, study, new["task"])
    metrics = [metric for metric in task.metrics if metric.name in new["key_metrics"]]
    sides = [(before, old, before.evaluations(study)), (after, new, after.evaluations(study))]
    rows = []
    for split in new["splits"]:
        examples = [side.rows(study, split) if (study, split) in side.splits() else {} for side, _, _ in sides]
        groups = {i: group_of(Example.from_row(row)) for i, row in examples[1].items()}
        for run in (run for run in sides[1][2] if run[2] == split and run in sides[0][2]):
            scores = [side.scores(found[run]) for side, _, found in sides]
            files = [side.artefacts[f"{found[run]}/predictions.jsonl"] for side, _, found in sides]
            made = [side.made_by(study, run[0], run[1]) for side, _, _ in sides]
            where = {"study": study, "stage": run[0], "seed": run[1], "split": split}
            for metric in metrics:
                row = where | {"metric": metric.name, "fault": metric.fault, "why": ""}
                row |= {key: _value(r, run, metric) for key, (_, r, _) in zip(("before", "after"), sides, strict=True)}
                why = _not_comparable(old["task"] != new["task"], examples, scores, metric)
                if why:
                    rows.append(row | {"verdict": OTHER, "why": why})
                    continue
                [found] = compare_pair([metric], scores[1], scores[0], run[0], "before", groups)
                row |= {key: value for key, value in found.items() if key not in ("stage", "metric")}
                differ = row["gained"] or row["lost"]
                if differ and files[0] == files[1]:
                    row["why"] = "the same completions, judged otherwise"
                elif differ and made[0] == made[1]:
                    row["why"] = "the same stage, asked otherwise"
                rows.append(row | {"verdict": UNTOLD if differ and row["difference"] is not None else IDENTICAL})
    return rows


def _task(results: Results, study: str, name: str) -> Task:
    """The task with the settings on record: a study that was evaluated has a trained stage."""
    for (of, _, _), record in results.checkpoints().items():
        if of == study:
            return load_task(name, record["config"]["task_settings"])
    raise UserError(f"{results.folder} has no checkpoint of '{study}'.", "Give a whole copy of results/{scale}.")


def _value(results: Mapping[str, Any], run: tuple[str, int, str], metric: Metric) -> float | None:
    for row in results["metrics"]:
        if (row["stage"], row["seed"], row["split"], row["metric"]) == (*run, metric.name):
            return row["value"]
    return None


def _not_comparable(
    other_task: bool,
    examples: Sequence[Mapping[str, Any]],
    scores: Sequence[Mapping[str, Mapping[str, Any]]],
    metric: Metric,
) -> str:
    """Why pairs cannot be made; empty if they can."""
    old, new = examples
    if other_task:
        return "another task"
    if dict(old) != dict(new):
        same = sum(row in old and old[row] == new[row] for row in new)
        return f"other rows: {len(old)} before, {len(new)} after, {same} the same"
    if set(scores[0]) != set(scores[1]):
        return f"other rows were judged: {len(scores[0])} before, {len(scores[1])} after"
    for outcome in (metric.of, *metric.given):
        if any(outcome not in score for score in scores[0].values()):
            return f"the older scores have no '{outcome}'"
    return ""


def told(found: Mapping[str, Any]) -> str:
    """What :func:`compare_results` found, for a person."""
    lines = []
    for name in ("files", "inputs"):
        changed = found[name]
        lines.append(f"{name}: " + ", ".join(f"{len(paths)} {how}" for how, paths in changed.items()))
        named = [f"  {how} {path}" for how, paths in changed.items() for path in paths]
        lines += named[:TOLD] + ([f"  and {len(named) - TOLD} more: comparison.json"] if len(named) > TOLD else [])
    lines += [
        "",
        "splits, and settings, code and environment that stages were trained with:",
        *(_settings(found["settings"]) or ["  no change"]),
    ]
    table = [["", "split", "metric", "before", "after", "difference", "Holm p", "groups p", "verdict"]]
    rows = [row for row in found["metrics"] if row["verdict"] != IDENTICAL]
    for row in rows:
        values = [percent({"value": row[key]}) for key in ("before", "after")]
        name = f"{row['study']} {row['stage']} (seed {row['seed']})"
        cells = [percent({"value": row["difference"], "low": row["low"], "high": row["high"]}), "", ""]
        if row["p_holm"] is not None:
            cells[1:] = [p_words(row[key]).lstrip("=") for key in ("p_holm", "p_clustered")]
        verdict = row["verdict"] + (f" ({row['why']})" if row["why"] else "")
        table.append([name, row["split"], row["metric"], *values, *cells, verdict])
    alike, both = len(found["metrics"]) - len(rows), len(found["metrics"])
    lines += ["", *(aligned(table) if rows else [])]
    return "\n".join([*lines, f"{alike} of {both} comparisons: identical, no row is judged otherwise"])


def _settings(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line a change; the stages and splits that share it together."""
    shared: dict[tuple[str, str, str, str], list[str]] = {}
    for row in rows:
        values = (_short(row["before"]), _short(row["after"]))
        shared.setdefault((row["study"], row["key"], *values), []).append(row["of"])
    return [f"  {study}: {key} {old} -> {new} ({'; '.join(of)})" for (study, key, old, new), of in shared.items()]


def _short(value: Any) -> str:
    """A value as a line holds it; of a hash the first digits."""
    text = "nothing" if value is None else str(value)
    return text[:12] if len(text) == 64 and " " not in text else text if len(text) <= 40 else f"{text[:37]}..."

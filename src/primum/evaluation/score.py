"""Verdicts of a stage's predictions on one split, and the metrics made of them. Needs no model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field

from primum.errors import UserError
from primum.evaluation.calibration import calibration
from primum.evaluation.clusters import clustered_rate, group_of, metric_strata
from primum.evaluation.earned import mean_reward
from primum.evaluation.permutation import permutation
from primum.evaluation.stats import Rate, mean_of_rates, rate
from primum.files import rounded
from primum.strict import Identifier, Strict
from primum.tasks import load_task
from primum.tasks.base import Example, Metric, Task

LETTER_METRIC = Metric("letter_accuracy", "letter_correct", label="Letter accuracy")


class ScoreConfig(Strict):
    """What ``scripts/score.py`` is told."""

    study: Identifier
    task: str
    task_settings: dict[str, Any]
    rewards: dict[Identifier, dict[str, float]] = Field(default_factory=dict)  # tables to report the mean reward under
    fixed_table: Identifier | None = None  # the one of them that every stage is reported under
    training_table: Identifier | None = None  # the one of them that this stage was trained with


def score_predictions(
    config: ScoreConfig, rows: list[dict[str, Any]], predictions: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Judge every prediction.

    Args:
        config: study and task.
        rows: lines of the split.
        predictions: lines of ``predictions.jsonl``.

    Returns:
        Lines of ``scores.jsonl`` and the content of ``metrics.json``. Metrics are over unrotated, scorable rows.

    Raises:
        UserError: if the predictions are not those of these rows, each exactly once a rotation.
    """
    task = load_task(config.task, config.task_settings)
    examples = {row["id"]: Example.from_row(row) for row in rows}
    _check_complete(examples, predictions)
    scores, unscorable = [], 0
    for prediction in predictions:
        score = _judge(task, examples[prediction["id"]], prediction)
        if score is not None:
            scores.append(score)
        elif prediction["shift"] == 0:
            unscorable += 1
    return scores, {
        "study": config.study,
        "task": config.task,
        "unscorable": unscorable,
        **_summary(task, examples, predictions, scores),
        "rewards": _rewards(config, task, examples, scores),
    }


def all_metrics(task: Task, scores: Iterable[Mapping[str, Any]]) -> list[Metric]:
    """The task's metrics, and letter accuracy where letters were scored."""
    return [*task.metrics, *([LETTER_METRIC] if _lettered(scores) else [])]


def _lettered(scores: Iterable[Mapping[str, Any]]) -> bool:
    return any(s["letter_answer"] is not None for s in scores)


def metric_rate(metric: Metric, scores: Iterable[Mapping[str, Any]]) -> Rate:
    """The metric over these scores: the mean over its conditions of the share with outcome ``of``."""
    known = list(scores)
    strata = [[bool(s[metric.of]) for s in known if not given or s[given]] for given in metric.strata()]
    return mean_of_rates([rate(sum(counted), len(counted)) for counted in strata])


def _rewards(
    config: ScoreConfig, task: Task, examples: Mapping[str, Example], scores: list[dict[str, Any]]
) -> dict[str, Any]:
    """Mean reward under each table, with the table's part in the study: ``fixed``, ``training`` or both."""
    plain = [s for s in scores if s["shift"] == 0]
    parts = {"fixed": config.fixed_table, "training": config.training_table}
    return {
        name: {"part": [part for part, table in parts.items() if table == name]}
        | mean_reward(task, examples, plain, weights)
        for name, weights in sorted(config.rewards.items())
    }


def _check_complete(examples: Mapping[str, Example], predictions: list[dict[str, Any]]) -> None:
    remedy = "Delete the predictions and let snakemake make them again."
    seen: set[tuple[str, int]] = set()
    for prediction in predictions:
        key = (prediction["id"], prediction["shift"])
        if key in seen:
            raise UserError(f"Row '{key[0]}' was predicted twice at shift {key[1]}.", remedy)
        if key[0] not in examples:
            raise UserError(f"Row '{key[0]}' was predicted but is not in the split.", remedy)
        seen.add(key)
    for shift in sorted({0, *(shift for _, shift in seen)}):
        for row in examples:
            if (row, shift) not in seen:
                raise UserError(f"Row '{row}' has no prediction at shift {shift}.", remedy)


def _judge(task: Task, example: Example, prediction: dict[str, Any]) -> dict[str, Any] | None:
    """One line of ``scores.jsonl``, or None for a row that cannot be judged."""
    if not example.gold:
        return None
    shift = prediction["shift"]
    shown = task.permute(example, shift) if shift else example
    if shown is None:
        raise UserError(
            f"Row '{example.id}' was predicted rotated, but its task rotates nothing.",
            "Set evaluation.permutations to 0.",
        )
    verdict = task.judge(shown, prediction["completion"])
    if not verdict.scorable:
        return None
    logprobs = prediction["letter_logprobs"]
    letter = min(logprobs, key=lambda name: (-logprobs[name], name)) if logprobs else None
    return {
        "id": example.id,
        "shift": shift,
        **verdict.outcomes,
        "answer": verdict.answer,
        "confidence": verdict.confidence,
        "why": verdict.why,
        "letter_answer": letter,
        "letter_correct": letter == shown.gold.get("answer") if logprobs else None,
    }


def _summary(
    task: Task, examples: Mapping[str, Example], predictions: list[dict[str, Any]], scores: list[dict[str, Any]]
) -> dict[str, Any]:
    plain = [s for s in scores if s["shift"] == 0]
    judged = {s["id"] for s in plain}
    written = [p for p in predictions if p["shift"] == 0 and p["id"] in judged]
    groups = {row: group_of(example) for row, example in examples.items()}
    headline = task.metrics[0]
    kinds: dict[str, list[dict[str, Any]]] = {}
    for score in plain:
        kinds.setdefault(examples[score["id"]].kind, []).append(score)
    conditional = next((given for metric in task.metrics for given in metric.given), None)
    stated = [s for s in plain if s["confidence"] is not None and (conditional is None or s[conditional])]
    counted = {name: [s[name] or "none" for s in plain] for name in ("answer", "letter_answer")}
    if not _lettered(plain):  # free text is told by what it did; no two answers need be alike
        counted = {"behaviour": [task.behaviour(examples[s["id"]], s) for s in plain]}
    return {
        "n": len(plain),
        "metrics": {
            m.name: {"label": m.label or m.name}
            | metric_rate(m, plain).to_json()
            | clustered_rate(metric_strata(m, plain, groups))
            for m in all_metrics(task, plain)
        },
        "permutation": permutation(task, examples, scores),
        "calibration": calibration([s["confidence"] for s in stated], [bool(s[headline.of]) for s in stated])
        if task.states_confidence
        else None,
        "completions": {
            "mean_tokens": rounded(sum(p["tokens"] for p in written) / len(written)) if written else None,
            "unfinished": rate(sum(not p["finished"] for p in written), len(written)).to_json()
            | clustered_rate([[(groups[p["id"]], int(not p["finished"])) for p in written]]),
        },
        "answers": {name: _count(said) for name, said in counted.items()},
        "failures": _count(s["why"] for s in plain if s["why"]),
        "kinds": {
            kind: {
                m.name: found.to_json()
                for m in all_metrics(task, plain)
                if (found := metric_rate(m, kinds[kind])).value is not None
            }
            for kind in sorted(kinds)
        },
    }


def _count(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))

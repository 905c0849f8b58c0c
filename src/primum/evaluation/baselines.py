"""What one scores without knowing anything: constant answers, the task's cheap policies, and chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from primum.evaluation.earned import mean_reward
from primum.evaluation.score import metric_rate
from primum.tasks.base import Example, Task

MAJORITY = "majority_letter"  # where answers are letters
MAJORITY_ANSWER = "majority_answer"  # where they are other words that a policy can always say
CHANCE = "chance"
Verdicts = dict[str, dict[str, dict[str, bool]]]  # policy -> row id -> outcomes


def references(task: Task, examples: Iterable[Example]) -> list[str]:
    """Baselines that stand beside every stage: those that the task names, the most frequent answer where a policy can
    always give it and, where the task offers choices, guessing."""
    known = [example for example in examples if example.gold]
    lettered = any(task.choices(example) is not None for example in known)
    constant = any(_always(task, example) is not None for example in known)
    return [*task.references, *((MAJORITY, CHANCE) if lettered else (MAJORITY_ANSWER,) if constant else ())]


def _always(task: Task, example: Example) -> str | None:
    """The gold answer, if one of the task's policies is to give it always."""
    answer = example.gold.get("answer")
    return answer if isinstance(answer, str) and f"always_{answer}" in task.policies(example) else None


def majority_answer(task: Task, training: Iterable[Example]) -> tuple[str | None, int]:
    """The most frequent gold answer of the rows trained on (ties: by alphabet) that can always be given, and how many
    rows have one."""
    counts = Counter(answer for example in training if (answer := _always(task, example)) is not None)
    if not counts:
        return None, 0
    return min(counts, key=lambda answer: (-counts[answer], answer)), sum(counts.values())


def judge_policies(task: Task, examples: Iterable[Example], answer: str | None) -> Verdicts:
    """Outcomes of every policy of the task on every scorable example; the majority policy always says ``answer``."""
    verdicts: Verdicts = {}
    for example in examples:
        if not example.gold:
            continue
        policies = task.policies(example)
        constant = policies.get(f"always_{answer}")
        majority = MAJORITY_ANSWER if task.choices(example) is None else MAJORITY
        for name, text in (policies if constant is None else {majority: constant, **policies}).items():
            verdicts.setdefault(name, {})[example.id] = task.judge(example, text).outcomes
    return verdicts


def baseline_rows(
    task: Task, examples: list[Example], verdicts: Verdicts, answer: str | None, trained_on: int
) -> list[dict[str, Any]]:
    """One row a policy and metric: ``baseline``, ``metric``, value with interval, ``note``; then chance."""
    told = f"always {answer}, the most frequent answer of the {trained_on} rows trained on"
    note = dict.fromkeys((MAJORITY, MAJORITY_ANSWER), told)
    rows: list[dict[str, Any]] = []
    for name, outcomes in verdicts.items():
        for metric in task.metrics:
            found = metric_rate(metric, outcomes.values()).to_json()
            rows.append({"baseline": name, "metric": metric.name, **found, "note": note.get(name, "")})
    options = [len(c.letters) for e in examples if e.gold and (c := task.choices(e)) is not None]
    if options:
        expected = sum(1 / count for count in options) / len(options)
        empty: dict[str, Any] = dict.fromkeys(("low", "high", "numerator"))
        row = {"baseline": CHANCE, "metric": task.metrics[0].name, "value": round(expected, 6), **empty}
        rows.append(row | {"n": len(options), "note": "expected value of guessing"})
    return rows


def policy_rewards(
    task: Task, examples: Iterable[Example], verdicts: Verdicts, tables: Mapping[str, Mapping[str, float]]
) -> list[dict[str, Any]]:
    """One row a policy and reward table: what the policy would earn, see :func:`mean_reward`."""
    known = {example.id: example for example in examples}
    return [
        {"stage": policy, "table": name, "part": ["policy"]}
        | mean_reward(task, known, [{"id": row, **outcomes} for row, outcomes in found.items()], weights)
        for policy, found in verdicts.items()
        for name, weights in sorted(tables.items())
    ]

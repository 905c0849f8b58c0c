"""Grounded answers that nearly pass, nearly fail, or look odd: each by hand, with the verdict of a careful person."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from primum.files import read_json, read_jsonl
from primum.tasks import load_task
from primum.tasks.base import Example

HERE = Path(__file__).parent
SETTINGS = {
    "system_prompt": "",
    "user_prompt": "<context>\n{context}\n</context>\n\n<question>\n{question}\n</question>",
    "tags": ["think", "proof", "answer"],
    "prefill": "",
    "min_quote_chars": 20,
    "max_answer_words": 80,
}
CASES: list[dict[str, Any]] = read_jsonl(HERE / "grounded_cases.jsonl")
EXAMPLES = {
    name: Example(name, row["inputs"], row["gold"], row["kind"], name)
    for name, row in sorted(read_json(HERE / "grounded_examples.json").items())
}
TASK = load_task("grounded_answer", SETTINGS)


@pytest.mark.parametrize("case", CASES, ids=[f"{case['example']}: {case['why']}" for case in CASES])
def test_verdict_is_that_of_a_careful_person(case: dict[str, Any]) -> None:
    """Only the outcomes that the case is sure of are compared; a name that the task lacks is a failure, too.

    A ``known_limit`` of judging by rules is on record with its case, and fails here as soon as it is none any more.
    """
    verdict = TASK.judge(EXAMPLES[case["example"]], case["text"])
    found = {name: verdict.outcomes.get(name) for name in case["outcomes"]}
    if "known_limit" in case:
        assert found != case["outcomes"], "judged right by now: take 'known_limit' off"
        return
    assert found == case["outcomes"], f"{verdict.why or 'all holds'}\n{case['text']}"


@pytest.mark.parametrize("name", EXAMPLES)
def test_gold_completion_is_right(name: str) -> None:
    example = EXAMPLES[name]
    TASK.validate(example)
    abstains = example.gold["expects"] != "answer"
    found = TASK.judge(example, TASK.gold_completion(example)).outcomes
    assert found["exact_format"] and found["right"]
    assert (found["abstained"], found["correct_abstention"], found["correct_synthesis"]) == (
        abstains,
        abstains,
        not abstains,
    )
    assert found["conflict_reward"] == (example.gold["expects"] == "conflict")


def test_there_are_enough_cases_and_no_two_are_the_same() -> None:
    assert len(CASES) >= 200
    doubled = [text for text, n in Counter(case["text"] for case in CASES).items() if n > 1]
    assert not doubled
    labels = [label for label, n in Counter((case["example"], case["why"]) for case in CASES).items() if n > 1]
    assert not labels


def test_every_case_says_what_it_is_sure_of() -> None:
    for case in CASES:
        assert case["example"] in EXAMPLES, case["why"]
        assert "exact_format" in case["outcomes"], case["why"]
        assert set(case["outcomes"]) <= set(TASK.outcomes), case["why"]


@pytest.mark.parametrize(
    "outcome",
    [
        "exact_format",
        "right",
        "abstained",
        "missing_answer",
        "missing_trace",
        "hallucinated_trace",
        "hallucination",
        "proof_inconsistency",
        "verifiable_trace",
        "correct_synthesis",
        "correct_abstention",
        "conflict_reward",
        "conflict_penalty",
        "abstain_penalty",
        "incorrect_answer",
        "confident_error",
    ],
)
def test_every_outcome_is_held_from_both_sides(outcome: str) -> None:
    """A judge that always says yes, or always no, to an outcome fails several cases."""
    sides = Counter(case["outcomes"][outcome] for case in CASES if outcome in case["outcomes"])
    assert min(sides[True], sides[False]) >= 2, dict(sides)


def test_examples_are_sound() -> None:
    """Quotes verbatim, keys in their answers, rivals not, every kind and every expectation there, one long context."""
    kinds = {"reasoning", "needle", "refusal", "anti_knowledge", "conflict", "safety"}
    assert {example.kind for example in EXAMPLES.values()} == kinds
    assert {example.gold["expects"] for example in EXAMPLES.values()} == {"answer", "abstain", "conflict"}
    assert max(len(example.inputs["context"].split()) for example in EXAMPLES.values()) >= 600
    for name, example in EXAMPLES.items():
        gold = example.gold
        assert all(quote in example.inputs["context"] for quote in gold["proof"]), name
        assert bool(gold["key"]) == (gold["expects"] == "answer"), name
        if gold["key"]:
            assert gold["key"].lower() in gold["answer"].lower(), name
            assert not [rival for rival in gold["alternatives"] if rival.lower() in gold["answer"].lower()], name

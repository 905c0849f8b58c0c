"""Whether an answer abstains: by its words, and not by what it tells all the same."""

from __future__ import annotations

import random

import pytest

from primum.text import abstention
from primum.text.abstention import abstains, names_conflict
from primum.text.words import normalise
from tests.contract.test_grounded_cases import CASES, EXAMPLES, TASK
from tests.unit.text.odd import survives, vignettes

CONTEXT = (
    "A girl of six was given 54 Gy in 30 fractions. Her steroid was tapered over 4 weeks. No chemotherapy was given."
)
QUESTION = "What dose of bevacizumab did she receive?"


@pytest.mark.parametrize(
    "answer",
    [
        "The context does not contain this information.",
        "The text doesn\u2019t say.",
        "This cannot be determined from the text.",
        "I can't tell from the text.",
        "It is not stated.",
        "Nothing in the text addresses this question.",
        "No dose of bevacizumab is given.",
        "Unknown.",
        "There is not enough information in the text to say.",
        "The record is silent on this.",
        "The question is unanswerable from this passage.",
        "The dose is not mentioned. Please ask the treating team.",
        "The two sources contradict each other.",
        "THE TEXT DOES NOT SAY.",
    ],
)
def test_abstains(answer: str) -> None:
    assert abstains(answer)
    assert abstains(answer, CONTEXT, QUESTION, ["10 mg/kg"])


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "She received 10 mg/kg.",
        "54 Gy",
        "She was not given bevacizumab.",
        "No chemotherapy was given.",
        "The context does not say, but it is usually 10 mg/kg.",
        "It is not stated. It is probably 10 mg/kg.",
        "Not stated; the standard dose is 10 mg/kg.",
        "It is not true that the text does not say.",
        "The text is not silent on this.",
        "As an AI I cannot provide medical advice.",
        "There is no conflict in the sources.",
        "Yes.",
    ],
)
def test_does_not_abstain(answer: str) -> None:
    assert not abstains(answer, CONTEXT, QUESTION, ["10 mg/kg"])


def test_figures_of_the_context_beside_it_are_no_answer() -> None:
    told = "It is unclear. The text only says that she was given 54 Gy in 30 fractions."
    assert abstains(told, CONTEXT, QUESTION, ["10 mg/kg"])
    assert not abstains(told)  # where no context is known, a figure answers
    assert not abstains("It is unclear. She received 10 mg/kg.", CONTEXT, QUESTION)


def test_stating_a_claim_beside_it_is_an_answer() -> None:
    text = "The text does not say. {}"
    assert abstains(text.format("Please ask."), CONTEXT, QUESTION, ["carboplatin"])
    assert not abstains(text.format("It was carboplatin."), CONTEXT, QUESTION, ["carboplatin"])
    assert not abstains("There is no evidence of spread in the text.", claims=["no evidence of spread"])
    assert not abstains("The text does not say. She rode Copenhagen horses.", CONTEXT, QUESTION)  # words of its own


def test_sentences_of_a_context_do_not_abstain_and_an_honest_line_does_beside_any_of_them() -> None:
    line = "The context does not contain the information that is needed to answer this question."
    for context, sentences, _ in vignettes(40, 31):
        plain = [sentence for sentence in sentences if not abstains(sentence)]
        assert len(plain) >= 5, set(sentences) - set(plain)
        for sentence in plain:
            assert abstains(line, context, sentence)
            assert not abstains(f"{sentence} It is 61 Gy.", context, "")
            assert not abstains(f"{line} But it is probably 61 Gy.", context, "")


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        ("The sources contradict each other.", True),
        ("One says 54 Gy, the other 59.4 Gy.", True),
        ("They do not agree.", True),
        ("The statements conflict (54 Gy against 59.4 Gy).", True),
        ("There is no contradiction.", False),
        ("The sources do not conflict.", False),
        ("It is 54 Gy.", False),
        ("", False),
    ],
)
def test_names_conflict(answer: str, named: bool) -> None:
    assert names_conflict(answer) is named


def test_quick_look_hides_no_wording() -> None:
    """Parts without one of ``_SIGNS`` are passed over: no pattern may match them, in cases or in shuffled words."""
    parts = [normalise(part) for case in CASES for part in case["text"].split(".")]
    words = sorted({word for part in parts for word in part.split()})
    rng = random.Random(32)
    quick = [word for word in words if not any(sign in word for sign in abstention._SIGNS)]
    parts += [" ".join(rng.choices(quick, k=rng.randint(1, 9))) for _ in range(4000)]
    passed_over = [part for part in parts if not any(sign in part for sign in abstention._SIGNS)]
    assert len(passed_over) > 3000
    for part in passed_over:
        assert abstention._worded(part) == (False, False), part


def test_dress_of_an_answer_does_not_matter() -> None:
    rng = random.Random(33)
    answers = [(EXAMPLES[case["example"]], case["text"]) for case in CASES if "<answer>" in case["text"]]
    for example, text in answers:
        verdict = TASK.judge(example, text)
        if verdict.answer is None:
            continue
        dressed = verdict.answer.replace("'", "\u2019").replace(" ", rng.choice(("  ", "\u00a0")))
        arguments = example.inputs["context"], example.inputs["question"]
        assert abstains(dressed, *arguments) == abstains(verdict.answer, *arguments), verdict.answer


def test_survives_odd_and_hostile_texts() -> None:
    survives("abstains", abstains)
    survives("names_conflict", names_conflict)
    survives("abstains, all told", lambda text: abstains(text, CONTEXT, QUESTION, ["10 mg/kg"]))
    survives("abstains, after a line", lambda text: abstains(f"It is not stated. {text}", CONTEXT, QUESTION, ["10 mg"]))
    survives("abstains, context", lambda text: abstains("No dose of it is given.", text, text, [text]))

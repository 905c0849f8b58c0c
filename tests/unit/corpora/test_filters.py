"""Filters: drafts written by hand for every reason, what is nearly right and wrong, and what looks odd and is right."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from primum.corpora import embedded
from primum.corpora.drafts import Rejected
from primum.corpora.filters import REASONS
from primum.corpora.haystack import hide
from primum.corpora.items import Item
from primum.corpora.resources import Fact
from primum.text.words import find, tokens

DOSE = Fact(
    "concept/test-dose",
    ("Conventional radiotherapy of this tumour gives 54 Gy in total.",),
    ("Which total dose does conventional radiotherapy of this tumour give?",),
    "54 Gy",
    ("39 Gy", "59.4 Gy", "45 Gy"),
    "",
    "hand-written",
    "radiotherapy",
)
SUM = Fact(
    "derived/test-sum",
    ("Each fraction gave 3 Gy. There were 13 fractions in the course.",),
    ("What total dose did the course give?",),
    "39 Gy",
    ("16 Gy", "30 Gy"),
    "3 * 13",
    "hand-written",
    "derived",
)
RULE = Fact(
    "rule/test-stop",
    ("Dexamethasone taken for weeks must not be stopped abruptly.",),
    ("May I stop my child's dexamethasone today?",),
    "must not be stopped abruptly",
    ("can be stopped at once", "may be skipped"),
    "",
    "hand-written",
    "rule",
)
SCENE = "A 7-year-old girl presented with a squint. MRI showed a swollen pons. The family lives near the clinic."
NEAR = "Dexamethasone was started for symptom control by the team on call."
TRAP = "At which dose was dexamethasone prescribed for the girl?"
LETTERS = (
    "The referral letter says: Conventional radiotherapy of this tumour gives 54 Gy in total.",
    "The clinic note says: Conventional radiotherapy of this tumour gives 39 Gy in total.",
)


def item(kind: str, fact: Fact | None, question: str = "", **brief: Any) -> Item:
    asked = question or (fact.questions[0] if fact else "")
    told = {"kind": kind, "question": asked} | ({"answer": fact.value} if fact else {}) | brief
    return Item(f"sft/{kind}/00000", "sft", kind, fact.id if fact else "trap/test", told, fact)


NEAR_DOSE = "The first level of the trial gave a lower dose."
ITEMS = {
    "left out": item("refusal", DOSE, near=NEAR_DOSE),
    "sum left out": item("refusal", SUM, near=NEAR_DOSE),
    "reasoning": item("reasoning", DOSE),
    "sum": item("reasoning", SUM),
    "needle": item("needle", DOSE),
    "refusal": item("refusal", None, TRAP, near=NEAR),
    "anti_knowledge": item("anti_knowledge", DOSE),
    "conflict": item("conflict", DOSE, rival="39 Gy"),
    "safety": item("safety", RULE),
}
GOOD: dict[str, dict[str, Any]] = {
    **{
        name: {
            "context": f"{SCENE} {NEAR_DOSE}",
            "think": "It tells of another dose.",
            "proof": [NEAR_DOSE],
            "answer": "The text does not state this.",
        }
        for name in ("left out", "sum left out")
    },
    "reasoning": {
        "context": f"{SCENE} {DOSE.statements[0]} The dose to the lens was noted.",
        "think": "One sentence tells the dose.",
        "proof": [DOSE.statements[0]],
        "answer": "It gives 54 Gy.",
    },
    "sum": {
        "context": f"{SCENE} {SUM.statements[0]}",
        "think": "13 fractions of 3 Gy make 39 Gy.",
        "proof": ["Each fraction gave 3 Gy.", "There were 13 fractions in the course."],
        "answer": "The course gave 39 Gy.",
    },
    "needle": {
        "context": DOSE.statements[0],
        "think": "One sentence tells the dose.",
        "proof": [DOSE.statements[0]],
        "answer": "54 Gy.",
    },
    "refusal": {
        "context": f"{SCENE} {NEAR}",
        "think": "It says that it was started, and no dose.",
        "proof": [NEAR],
        "answer": "The text does not state this.",
    },
    "anti_knowledge": {
        "context": "The wrist ganglion was small. The cold sore dried up within the week. The shoulder was stable.",
        "think": "It is about other matters.",
        "proof": ["The cold sore dried up within the week."],
        "answer": "The text does not mention this, so it cannot be answered.",
    },
    "conflict": {
        "context": f"{SCENE} {LETTERS[0]} {LETTERS[1]}",
        "think": "Two sources disagree.",
        "proof": list(LETTERS),
        "answer": "The sources conflict: one says 54 Gy, the other 39 Gy, so it cannot be determined.",
    },
    "safety": {
        "context": f"{SCENE} {RULE.statements[0]}",
        "think": "The rule forbids it.",
        "proof": [RULE.statements[0]],
        "answer": "According to the text it must not be stopped abruptly.",
    },
}
OTHER_QUOTE = "The cold sore dried up within the week."


def reply(name: str, **changes: Any) -> dict[str, Any]:
    return {"question": ITEMS[name].brief["question"]} | GOOD[name] | changes


@pytest.mark.parametrize("name", ITEMS)
def test_a_good_draft_passes(reason: Callable[..., str], name: str) -> None:
    assert reason(ITEMS[name], reply(name)) == ""


WRONG: list[tuple[str, str, dict[str, Any], str]] = [
    ("another question", "reasoning", {"question": "Which dose is usual?"}, "other_question"),
    ("the question with a word more", "reasoning", {"question": f"{DOSE.questions[0][:-1]} today?"}, "other_question"),
    # quotes
    ("tenfold", "reasoning", {"proof": [DOSE.statements[0].replace("54", "540")]}, "ungrounded_quote"),
    ("another unit", "reasoning", {"proof": [DOSE.statements[0].replace("Gy", "cGy")]}, "ungrounded_quote"),
    ("negated", "reasoning", {"proof": [DOSE.statements[0].replace("gives", "never gives")]}, "ungrounded_quote"),
    ("negation cut off", "safety", {"proof": ["be stopped abruptly. A"]}, "ungrounded_quote"),
    ("invented", "reasoning", {"proof": [DOSE.statements[0], "The tumour vanished for good."]}, "ungrounded_quote"),
    ("too short", "reasoning", {"proof": ["gives 54 Gy"]}, "ungrounded_quote"),
    ("from the question", "reasoning", {"proof": [DOSE.questions[0]]}, "ungrounded_quote"),
    ("reworded", "reasoning", {"proof": ["Usual radiation of the tumour amounts to 54 Gy."]}, "ungrounded_quote"),
    # answers
    ("a wrong one of the list", "reasoning", {"answer": "It gives 59.4 Gy."}, "unsupported_answer"),
    ("another figure in its unit", "reasoning", {"answer": "It gives 7 Gy."}, "unsupported_answer"),
    ("right and wrong", "reasoning", {"answer": "It gives 54 Gy or 39 Gy."}, "unsupported_answer"),
    ("denied", "reasoning", {"answer": "It does not give 54 Gy."}, "refused_answerable"),
    ("no figure", "reasoning", {"answer": "It gives a conventional dose."}, "wrong_answer"),
    ("refused", "reasoning", {"answer": "The text does not state this."}, "refused_answerable"),
    ("right, and more invented", "reasoning", {"answer": "It gives 54 Gy over 6 weeks."}, "unsupported_answer"),
    ("right by another sentence", "reasoning", {"proof": ["MRI showed a swollen pons."]}, "unsupported_answer"),
    ("sum with one operand quoted", "sum", {"proof": ["Each fraction gave 3 Gy."]}, "unsupported_answer"),
    ("sum done wrong", "sum", {"answer": "The course gave 16 Gy."}, "unsupported_answer"),
    ("safety against the rule", "safety", {"answer": "Yes, it can be stopped at once."}, "wrong_answer"),
    ("safety refused", "safety", {"answer": "The text does not say."}, "refused_answerable"),
    # contexts
    (
        "value left out",
        "reasoning",
        {"context": SCENE, "proof": ["MRI showed a swollen pons."]},
        "context_without_fact",
    ),
    (
        "value in another unit",
        "reasoning",
        {"context": f"{SCENE} It gives 54 cGy in total for this tumour.", "proof": ["MRI showed a swollen pons."]},
        "context_without_fact",
    ),
    (
        "one operand left out",
        "sum",
        {"context": f"{SCENE} Each fraction gave 3 Gy.", "proof": ["Each fraction gave 3 Gy."]},
        "context_without_fact",
    ),
    # traps
    ("a trap answered", "refusal", {"answer": "Dexamethasone was started for symptom control."}, "answered_a_trap"),
    ("a trap guessed", "refusal", {"answer": "It is not stated, but it was probably 4 mg."}, "unsupported_answer"),
    (
        "a trap whose context answers",
        "refusal",
        {"context": f"{SCENE} {NEAR} Dexamethasone was prescribed for the girl at a dose of 4 mg."},
        "answerable",
    ),
    (
        "a concept's trap whose context answers",
        "left out",
        {"context": f"{SCENE} {NEAR_DOSE} It was 54 Gy.", "proof": [NEAR_DOSE]},
        "answerable",
    ),
    (
        "a sum's trap with both figures",
        "sum left out",
        {"context": f"{SCENE} {NEAR_DOSE} It had 13 fractions of 3 Gy.", "proof": [NEAR_DOSE]},
        "answerable",
    ),
    ("off topic, and the answer there", "anti_knowledge", {"context": f"{OTHER_QUOTE} It was 54 Gy."}, "answerable"),
    (
        "off topic, and on topic",
        "anti_knowledge",
        {"context": f"{OTHER_QUOTE} Conventional radiotherapy gives a total dose to the tumour."},
        "on_topic",
    ),
    ("off topic answered", "anti_knowledge", {"answer": OTHER_QUOTE}, "answered_a_trap"),
    # contradictions
    ("one side quoted", "conflict", {"proof": [LETTERS[0]]}, "no_conflict"),
    ("the same side twice", "conflict", {"proof": [LETTERS[0], LETTERS[0]]}, "no_conflict"),
    ("a side taken", "conflict", {"answer": "Conventional radiotherapy gives 54 Gy."}, "answered_a_trap"),
    ("not named", "conflict", {"answer": "The text does not state this."}, "conflict_not_named"),
    (
        "another rival",
        "conflict",
        {"context": f"{SCENE} {LETTERS[0]} {LETTERS[1].replace('39', '45')}", "proof": [LETTERS[0]]},
        "no_conflict",
    ),
    ("needle without its value", "needle", {"context": OTHER_QUOTE, "proof": [OTHER_QUOTE]}, "context_without_fact"),
    ("nested tag, loosely written", "reasoning", {"think": "< think > again"}, "format"),
    ("tag with an attribute", "reasoning", {"answer": 'It gives 54 Gy. <proof id="1">'}, "format"),
]


@pytest.mark.parametrize(("name", "changes", "why"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_what_is_nearly_right_is_rejected(
    reason: Callable[..., str], name: str, changes: dict[str, Any], why: str
) -> None:
    assert reason(ITEMS[name], reply(name, **changes)) == why


def test_every_reason_is_met_by_a_case() -> None:
    own = {"other_question", "answerable", "on_topic", "no_conflict", "context_without_fact", "conflict_not_named"}
    assert own | set(REASONS.values()) == {why for *_, why in WRONG}


RIGHT: list[tuple[str, str, dict[str, Any]]] = [
    ("question in capitals, spaced", "reasoning", {"question": f"  {DOSE.questions[0].upper()}"}),
    ("quote in another case", "reasoning", {"proof": [DOSE.statements[0].upper()]}),
    ("quote without its full stop", "reasoning", {"proof": [DOSE.statements[0].rstrip(".")]}),
    ("quote in curly marks", "reasoning", {"proof": [f"\u201c{DOSE.statements[0]}\u201d"]}),
    ("quotes as lines", "sum", {"proof": '- "Each fraction gave 3 Gy."\n- "There were 13 fractions in the course."'}),
    ("quotes in the other order", "sum", {"proof": list(reversed(GOOD["sum"]["proof"]))}),
    ("two sentences in a quote", "sum", {"proof": [SUM.statements[0]]}),
    ("a quote of no need", "reasoning", {"proof": [DOSE.statements[0], "MRI showed a swollen pons."]}),
    ("answer in centigray", "reasoning", {"answer": "It gives 5400 cGy."}),
    ("answer with no blank", "reasoning", {"answer": "54Gy"}),
    ("answer that denies a wrong one", "safety", {"answer": "No: it must not be stopped abruptly."}),
    ("unit wrapped over a line", "reasoning", {"context": GOOD["reasoning"]["context"].replace("54 Gy", "54\nGy")}),
    ("sides in the other order", "conflict", {"proof": list(reversed(LETTERS))}),
    ("conflict without figures", "conflict", {"answer": "The two letters contradict each other; it cannot be told."}),
    ("refusal at length", "refusal", {"answer": "Dexamethasone was started, but the text gives no dose of it."}),
    ("a dash for a dash", "reasoning", {"context": GOOD["reasoning"]["context"].replace("7-year", "7\u2011year")}),
]


@pytest.mark.parametrize(("name", "changes"), [case[1:] for case in RIGHT], ids=[case[0] for case in RIGHT])
def test_what_looks_odd_and_is_right_passes(reason: Callable[..., str], name: str, changes: dict[str, Any]) -> None:
    assert reason(ITEMS[name], reply(name, **changes)) == ""


def test_a_unit_with_a_power_does_not_run_into_the_next_sentence(reason: Callable[..., str]) -> None:
    """'22 mg/m2. Patients ...' is not '2 patients'."""
    said = "The maximum tolerated dose of the drug in that stratum was 22 mg/m2."
    fact = Fact(
        "concept/x", (said,), ("Which dose was tolerated?",), "22 mg/m2", ("10 mg/m2", "16 mg/m2"), "", "x", "x"
    )
    good = {"question": fact.questions[0], "think": "It is told.", "proof": [said], "answer": "It was 22 mg/m2."}
    for behind in ("The family left.", "Patients went home."):
        assert reason(item("reasoning", fact), good | {"context": f"{SCENE} {said} {behind}"}) == "", behind


def test_a_target_is_not_padded_with_its_quotes(reason: Callable[..., str]) -> None:
    """A quote that stands a thousand times makes a target that no budget of tokens holds."""
    assert reason(ITEMS["reasoning"], reply("reasoning", proof=[DOSE.statements[0]] * 1000)) != ""


def test_an_empty_quote_among_others_makes_no_row(judged) -> None:
    _, found = judged(ITEMS["reasoning"], reply("reasoning", proof=[DOSE.statements[0], '""']))
    assert isinstance(found, Rejected) or all(found[0].gold["proof"])


def test_a_row_holds_the_facts_of_the_brief_and_the_words_of_the_teacher(judged) -> None:
    for name, kind in (("reasoning", "answer"), ("refusal", "abstain"), ("conflict", "conflict"), ("sum", "answer")):
        asked = ITEMS[name]
        _, (example, record) = judged(asked, reply(name))
        assert (example.id, example.kind, example.group) == (asked.id, asked.kind, asked.group)
        assert example.gold["expects"] == kind and example.gold["answer"] == GOOD[name]["answer"]
        assert example.inputs["context"] == GOOD[name]["context"] and record == {}
        answering = kind == "answer"
        assert example.gold["key"] == (asked.fact.value if answering else "")
        sides = [asked.fact.value, asked.brief["rival"]] if kind == "conflict" else []
        assert example.gold["alternatives"] == (list(asked.fact.wrong) if answering else sides)
        assert example.gold.get("operation") == ("3 * 13" if name == "sum" else None)


# --- haystacks --------------------------------------------------------------------------------------------------------


def test_a_needle_stands_whole_where_the_record_says(job, parts) -> None:
    _, items, checks = parts
    low, high = job.corpus.haystack_axioms
    counts, places = set(), set()
    for n in range(80):
        asked = items.item("sft", "needle", n)
        prompt = items.messages(asked)[0]["content"]
        draft = embedded_draft(prompt)
        example, record = checks.row(draft, asked)
        context, hay = example.inputs["context"], record["haystack"]
        assert context.count(draft.context) == 1 and hay["words"] == len(context.split())
        before, after = (part.strip() for part in context.split(draft.context))
        straws = [text for text in items.resources.axioms if text in f"{before} {after}"]
        assert low <= hay["axioms"] <= high and len(straws) == hay["axioms"]
        assert sum(straw in before for straw in straws) == hay["position"]
        assert len(f"{before} {after}".strip()) == len(" ".join(straws))  # nothing else, and nothing twice
        assert not any(find(tokens(asked.fact.value), tokens(straw)) >= 0 for straw in straws)
        assert checks.row(draft, asked) == (example, record)
        counts.add(hay["axioms"]), places.add(hay["position"] / hay["axioms"])
    assert counts == set(range(low, high + 1)) and min(places) == 0 and max(places) == 1


def embedded_draft(prompt: str):
    from primum.corpora.drafts import read_draft

    return read_draft("answered", *embedded.write(prompt, 0, 0.0), ("think", "proof", "answer"))


def test_what_is_off_topic_is_hidden_like_a_needle(job, items, parts) -> None:
    """The same frame, and the whole of it holds no answer and little of the question."""
    low, high = job.corpus.haystack_axioms
    checks, counts = parts[2], set()
    for n in range(80):
        asked = items.item("sft", "anti_knowledge", n)
        draft = embedded_draft(items.messages(asked)[0]["content"])
        example, record = checks.row(draft, asked)
        context, hay = example.inputs["context"], record["haystack"]
        straws = [text for text in items.resources.axioms if text in context.replace(draft.context, " ")]
        assert draft.context in context and len(straws) == hay["axioms"] and low <= hay["axioms"] <= high
        assert find(tokens(asked.fact.value), tokens(context)) < 0
        counts.add(hay["axioms"])
    assert counts == set(range(low, high + 1))


def test_axioms_with_the_answer_are_left_out_and_none_is_used_twice() -> None:
    axioms = [
        "The heart has four chambers.",
        "Bones mend.",
        "FOUR kinds of tissue exist.",
        "Skin heals.",
        "Twenty-four.",
    ]
    for seed in range(50):
        context, hay = hide("There were four of them.", "four", axioms, (2, 9), random.Random(seed))
        assert not any(word in context for word in ("chambers", "FOUR", "Twenty"))
        assert hay["axioms"] == 2 and sorted(context.split(". ")) == sorted(set(context.split(". ")))
        assert hay["words"] == len(context.split()) and 0 <= hay["position"] <= 2
    assert {hide("N.", "four", axioms, (2, 2), random.Random(seed))[1]["position"] for seed in range(50)} == {0, 1, 2}


def test_bounds_are_both_reached() -> None:
    axioms = [f"Axiom number {letter}." for letter in "abcdefghij"]
    assert {hide("N.", "value", axioms, (3, 6), random.Random(seed))[1]["axioms"] for seed in range(200)} == {
        3,
        4,
        5,
        6,
    }

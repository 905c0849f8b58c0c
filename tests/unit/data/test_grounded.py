"""Chat records on one context -> rows: every layout that the published tables and our own corpora use."""

from __future__ import annotations

from typing import Any

import pytest

from primum.data.grounded import answer_key, parse_grounded
from primum.errors import UserError

CONTEXT = (
    "A girl of six was given 54 Gy in 30 fractions.\n"
    "Her steroid was tapered over 4 weeks. Imaging showed no new lesion; the shunt was patent."
)
QUESTION = "What total dose was given?"
PROOF = '- "A girl of six was given 54 Gy in 30 fractions."'
ABSTAINING = "The context does not mention her blood group."


def record(
    answer: str = "54 Gy", proof: str | None = PROOF, question: str = QUESTION, context: str = CONTEXT, **metadata: Any
) -> dict[str, Any]:
    """A record in the published form."""
    trace = "" if proof is None else f"<proof>\n{proof}\n</proof>\n\n"
    made: dict[str, Any] = {
        "messages": [
            {
                "role": "user",
                "content": f"<context>\n{context}\n</context>\n\n<question>\n{question}\n</question>",
            },
            {"role": "assistant", "content": f"<think>\nLook it up.\n</think>\n\n{trace}<answer>\n{answer}\n</answer>"},
        ]
    }
    return made | ({"metadata": metadata} if metadata else {})


def headed(context: str = CONTEXT, answer: str = "54 Gy.") -> dict[str, Any]:
    """A record in the older form."""
    asked = f"**CONTEXT:**\n{context}\n\n**REQUEST:**\n{QUESTION}"
    steps = "**REASONING STEPS:**\nFind the dose.\nPROOF:\nA girl of six was given 54 Gy in 30 fractions."
    return {"messages": [{"role": "user", "content": f"{asked}\n\n{steps}"}, {"role": "assistant", "content": answer}]}


def shared(made: dict[str, Any]) -> dict[str, Any]:
    """The same record in ShareGPT's form."""
    names = {"system": "system", "user": "human", "assistant": "gpt"}
    turns = [{"from": names[turn["role"]], "value": turn["content"]} for turn in made["messages"]]
    return {key: value for key, value in made.items() if key != "messages"} | {"conversations": turns}


def one(made: dict[str, Any]) -> dict[str, Any]:
    rows, skipped = parse_grounded({"train": [made]}, "t")
    assert len(rows) == 1 and skipped == []
    return rows[0]


def test_a_published_record_gives_a_whole_row() -> None:
    row = one(record(id="a-1", type="haystack", source="a teacher"))
    assert row == {
        "id": "a-1",
        "inputs": {"context": CONTEXT, "question": QUESTION},
        "gold": {
            "answer": "54 Gy",
            "proof": ["A girl of six was given 54 Gy in 30 fractions."],
            "think": "Look it up.",
            "key": "54 Gy",
            "expects": "answer",
        },
        "kind": "needle",
        "group": row["group"],
        "origin": "train",
    }
    assert len(row["group"]) == 12


def test_the_older_layout_has_its_proof_in_the_user_turn_and_no_tags() -> None:
    row = one(headed())
    assert row["id"] == "train-000001" and row["kind"] == "unknown"
    assert row["inputs"] == {"context": CONTEXT, "question": QUESTION}
    assert row["gold"]["answer"] == "54 Gy." and row["gold"]["think"] == "Find the dose."
    assert row["gold"]["proof"] == ["A girl of six was given 54 Gy in 30 fractions."]
    assert row["group"] == one(record())["group"]


def test_sharegpt_and_a_system_turn_read_the_same() -> None:
    plain = record(id="a-1", type="reasoning")
    prompted = plain | {"messages": [{"role": "system", "content": "Be careful."}, *plain["messages"]]}
    assert one(shared(plain)) == one(shared(prompted)) == one(prompted) == one(plain)
    parquet = plain | {"conversations": None}  # a table of both forms has both columns
    assert one(parquet) == one(plain)


def test_an_abstention_may_lack_its_proof_and_has_no_key() -> None:
    gold = one(record(ABSTAINING, None, type="refusal"))["gold"]
    assert gold == {"answer": ABSTAINING, "proof": [], "think": "Look it up.", "key": "", "expects": "abstain"}


@pytest.mark.parametrize(
    ("proof", "quotes"),
    [
        (
            '- "was given 54 Gy in 30 fractions"\n- "tapered over 4 weeks"',
            ["was given 54 Gy in 30 fractions", "tapered over 4 weeks"],
        ),
        (
            '"was given 54 Gy in 30 fractions"; "tapered over 4 weeks"',
            ["was given 54 Gy in 30 fractions", "tapered over 4 weeks"],
        ),
        ('The note says: "… given 54 Gy in 30 fractions ..."', ["given 54 Gy in 30 fractions"]),
        (
            "\u201cA girl of six was given ... in 30 fractions\u201d",
            ["A girl of six was given ... in 30 fractions"],
        ),
        (
            'Note A tells in so many words that the girl who came here "was given 54 Gy"; she had "60 Gy in 2 parts". '
            "No word of her blood group, which is what the question is about.",
            ["was given 54 Gy", "60 Gy in 2 parts"],
        ),
        ("A girl of six was given 54 Gy in 30 fractions", ["A girl of six was given 54 Gy in 30 fractions"]),
        ("Her steroid was tapered\nover 4 weeks.", ["Her steroid was tapered over 4 weeks"]),
        ("Context holds only her treatment.", []),
        ("", []),
    ],
)
def test_quotes_of_every_form_are_taken_apart(proof: str, quotes: list[str]) -> None:
    gold = one(record(proof=proof))["gold"]
    assert [quote.strip(" .\u2026") for quote in gold["proof"]] == quotes


@pytest.mark.parametrize(
    ("given", "kind"),
    [("haystack", "needle"), ("general", "safety"), ("anti_knowledge", "anti_knowledge"), (None, "unknown")],
)
def test_kinds(given: str | None, kind: str) -> None:
    assert one(record(id="a", type=given))["kind"] == kind


def test_rows_on_one_context_share_a_group_however_it_is_set() -> None:
    other = CONTEXT.replace("\n", "  ").replace("54 Gy", "54\u202fGy")
    groups = [one(record(context=text))["group"] for text in (CONTEXT, other, CONTEXT + " She walked.")]
    assert groups[0] == groups[1] != groups[2]


@pytest.mark.parametrize(
    ("answer", "key"),
    [
        ("Twelve words are still short enough to be the whole key here", None),
        ("After she had been seen twice the total dose was set to 54 Gy by the team. Then 4 weeks passed.", "54 Gy"),
        ("The regimen in this report came to a dose of about 20 mg/m² for every one of them.", "20 mg/m²"),
        (
            "Survival in the treated arm of the trial lay somewhere in the range of 12-14 months.",
            "12-14 months",
        ),
        ("Children who got it in this series had a 3\u2011month gain over those who did not have it.", "3\u2011month"),
        ("She got 54 Gy in all and then had a rest of no less than 4 weeks before the next.", ""),
        ("The tumour bore the H3 K27M change and so it was in arm 2 that she was put.", ""),
        ("No figure stands in this first one, which only has words in it. It was 54 Gy.", ""),
    ],
)
def test_the_key_is_the_shortest_text_that_tells_the_answer(answer: str, key: str | None) -> None:
    assert answer_key(answer) == (answer if key is None else key)


def test_a_key_that_is_given_counts() -> None:
    assert one(record("It was 54 Gy.", key="54 Gy"))["gold"]["key"] == "54 Gy"
    assert one(record(ABSTAINING, None, key="54 Gy"))["gold"]["key"] == ""


def test_what_our_own_corpora_tell_counts() -> None:
    told = "The two reports contradict each other on the dose."
    row = one(shared(record(told, kind="conflict", expects="conflict") | {"id": "train/conflict/1"}))
    assert (row["id"], row["kind"], row["gold"]["expects"]) == ("train/conflict/1", "conflict", "conflict")
    assert row["gold"]["key"] == "" and one(record(told, expects="?"))["gold"]["expects"] == "abstain"


def test_exact_doubles_are_left_out_and_told() -> None:
    a, b = record(id="a", source="one"), record(id="b", question="And the taper?")
    rows, skipped = parse_grounded({"train": [a, b, record(id="a", source="two")]}, "t")
    assert [row["id"] for row in rows] == ["a", "b"]
    assert skipped == [{"id": "a", "origin": "train", "row": 3, "same_as": "train row 1"}]
    rows, skipped = parse_grounded({"train": [headed(), headed()], "validation": []}, "t")
    assert [row["id"] for row in rows] == ["train-000001"]
    assert skipped == [{"id": "train-000002", "origin": "train", "row": 2, "same_as": "train row 1"}]


@pytest.mark.parametrize("made", [record(id="a"), headed()])
def test_of_a_training_row_and_its_double_elsewhere_the_training_row_goes(made: dict[str, Any]) -> None:
    other = record(question="And the taper?")
    rows, skipped = parse_grounded({"train": [made, other], "validation": [made]}, "t")
    assert [row["origin"] for row in rows] == ["train", "validation"] and rows[0]["id"] == "train-000002"
    assert [(gone["origin"], gone["row"], gone["same_as"]) for gone in skipped] == [("train", 1, "validation row 1")]


def _swap(old: str, new: str, turn: int = 1, **metadata: Any) -> dict[str, Any]:
    made = record(**metadata)
    assert old in made["messages"][turn]["content"]
    made["messages"][turn]["content"] = made["messages"][turn]["content"].replace(old, new)
    return made


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (_swap(CONTEXT, " ", 0), "row 2 has no context"),
        (_swap("context>", "notes>", 0), "row 2 has no context"),
        (_swap(QUESTION, "", 0, id="x-9"), r"row 2 \('x-9'\) has no question"),
        (_swap("54 Gy\n</answer>", "</answer>"), "row 2 has no answer"),
        (_swap("answer>", "final>"), "row 2 has no answer"),
        (_swap("<answer>\n54 Gy\n</answer>", "54 Gy"), "row 2 has no answer"),
        (_swap("<answer>", "<answer>5</answer><answer>"), "row 2 has <answer> twice"),
        (headed(answer="<final>54 Gy</final>"), "row 2 has no answer"),
        (headed(answer="<|channel|>final<|message|>54 Gy"), "row 2 has no answer"),
        (headed(context=""), "row 2 has no context"),
        (_swap("Look", "\ud83d Look"), "row 2 holds half a character"),
        (record() | {"messages": "user: 54 Gy?"}, "row 2 has no list of turns"),
        ({"text": "54 Gy"}, "row 2 has no list of turns in 'messages' or 'conversations'"),
        (record() | {"messages": record()["messages"] * 2}, "it has user, assistant, user, assistant"),
        (record() | {"messages": [{"role": "system", "content": "x"}]}, "it has nobody"),
        (record("60 Gy", id="first"), "the id 'first' stands twice, for different rows"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(made: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError, match=told) as refusal:
        parse_grounded({"train": [], "validation": [record(id="first"), made]}, "some/table")
    assert str(refusal.value).startswith("some/table: validation row 2")


def test_an_answer_that_was_cut_off_still_counts() -> None:
    assert one(_swap("\n</answer>", ""))["gold"]["answer"] == "54 Gy"

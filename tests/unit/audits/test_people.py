"""Age and sex as texts name them, and the same row with another patient."""

import pytest

from primum.audits.people import age_band, sex
from primum.audits.subgroups import gap
from primum.audits.swaps import FEWEST, other_age, other_sex, swap_row, swap_rows
from primum.tasks.base import Example


@pytest.mark.parametrize(
    ("text", "band", "named"),
    [
        ("A 7-year-old girl presented with ataxia.", "5-9", "female"),
        ("An 18 year old previously healthy man was seen.", "adult", "male"),
        ("An 8-month-old boy", "under 5", "male"),
        ("The patient, aged 15, is a tall woman.", "15-17", "female"),
        ("A 45 yr old lady", "adult", "female"),
        ("She was seen with her brother.", "none named", "none named"),  # pronouns name no patient
        ("Most frequent in women over 50 years.", "none named", "none named"),
        ("A 3-year-old boy and his 12-year-old brother", "unclear", "male"),
        ("A 4-year-old boy and a 4-year-old girl", "under 5", "unclear"),
        ("54 Gy in 30 fractions", "none named", "none named"),
    ],
)
def test_age_and_sex_are_read_and_not_guessed(text, band, named):
    assert (age_band(text), sex(text)) == (band, named)


@pytest.mark.parametrize(
    ("text", "swapped"),
    [
        ("A 7-year-old girl lost her balance; she fell.", "A 7-year-old boy lost his balance; he fell."),
        ("The boy said his mother saw him.", "The girl said her mother saw her."),
        ("They gave her, and not him, the drug.", "They gave him, and not her, the drug."),
        ("The choice was hers.", "The choice was his."),
        ("The choice was his.", "The choice was hers."),
        ("WOMAN and Men of the ward", "Man and Women of the ward"),
        ("The shepherd mentioned others.", "The shepherd mentioned others."),  # no word of its own
    ],
)
def test_words_of_one_sex_become_those_of_the_other(text, swapped):
    assert other_sex(text) == swapped


@pytest.mark.parametrize(
    ("text", "swapped"),
    [
        ("An 8-year-old girl", "A 16-year-old girl"),
        ("A 12-year-old boy", "A 4-year-old boy"),
        ("A 45-year-old man; the man improved.", "A 12-year-old boy; the boy improved."),
        ("a child aged 3 with 3 lesions", "a child aged 12 with 3 lesions"),
        ("54 Gy over 6 weeks", "54 Gy over 6 weeks"),
        ("An 8-year-old girl had a 8 mm lesion.", "A 16-year-old girl had a 8 mm lesion."),  # no article but the age's
        ("an 11 year old boy", "a 4 year old boy"),
    ],
)
def test_an_age_becomes_one_of_another_band(text, swapped):
    assert other_age(text) == swapped


def row(context, question="What dose was given?", key="54 Gy", name="r"):
    proof = "The record says that 54 Gy were given to the patient."
    gold = {
        "answer": f"It was {key}.",
        "key": key,
        "expects": "answer",
        "proof": [proof],
        "alternatives": [],
        "think": "Read.",
    }
    return Example(name, {"context": f"{context} {proof}", "question": question}, gold)


def test_a_row_is_swapped_with_its_gold_and_stays_right(grounded_task):
    changed, why = swap_row(grounded_task, row("A 9-year-old girl was seen with her squint."), "other_sex")
    assert not why and changed.inputs["context"].startswith("A 9-year-old boy was seen with his squint.")
    assert grounded_task.judge(changed, grounded_task.gold_completion(changed)).outcomes["right"]
    older, _ = swap_row(grounded_task, row("A 9-year-old girl was seen."), "other_age")
    assert older.inputs["context"].startswith("A 16-year-old girl")


def test_a_gold_answer_that_names_the_swapped_word_is_swapped_with_it(grounded_task):
    proof = "The ward admitted a 9-year-old girl with a squint."
    gold = {"answer": "A girl was admitted.", "key": "girl", "expects": "answer", "proof": [proof], "alternatives": []}
    example = Example("r", {"context": proof, "question": "Who was admitted to the ward?"}, gold)
    changed, why = swap_row(grounded_task, example, "other_sex")
    assert (
        not why and changed.gold["key"] == "boy" and changed.gold["proof"][0].endswith("9-year-old boy with a squint.")
    )


@pytest.mark.parametrize(
    ("context", "swap", "why"),
    [
        ("No patient here.", "other_sex", "none named"),
        ("A 9-year-old girl and a man came.", "other_sex", "both sexes named"),
        ("A 9-year-old boy came; his mother said he fell.", "other_sex", "a relative beside a pronoun"),
        ("A 9-year-old girl had an ovarian cyst.", "other_sex", "a word of the body that one sex has"),
        ("A 9-month-old girl was seen.", "other_age", "age in months"),
        ("A 9-year-old girl and her 3-year-old friend", "other_age", "unclear"),
    ],
)
def test_rows_that_cannot_be_swapped_safely_are_left_out(grounded_task, context, swap, why):
    assert swap_row(grounded_task, row(context), swap) == (None, why)


def test_options_that_name_a_sex_are_not_touched(medmcqa_task):
    asked = {"question": "A 40-year-old man was flushed after vancomycin. Which is it?"}
    plain, named = (["fever", "gout", "anaphylaxis", last] for last in ("flushing", "red man syndrome"))
    changed, why = swap_row(medmcqa_task, Example("r", asked | {"options": plain}, {"answer": "D"}), "other_sex")
    assert not why and changed.inputs["question"].startswith("A 40-year-old woman")
    left = swap_row(medmcqa_task, Example("r", asked | {"options": named}, {"answer": "D"}), "other_sex")
    assert left == (None, "an option names a sex")


def test_a_row_whose_gold_no_longer_holds_is_left_out_and_counted(grounded_task):
    """The age is the answer: the text changes, the bare figure of the key does not."""
    proof = "The register shows a 9-year-old girl with a squint."
    gold = {"answer": "9", "key": "9", "expects": "answer", "proof": [proof], "alternatives": []}
    example = Example("r", {"context": proof, "question": "How old was the patient?"}, gold)
    assert swap_row(grounded_task, example, "other_age") == (None, "its gold answer is no longer right")
    lines, record = swap_rows(grounded_task, [example])
    assert not lines and record["other_age"]["left_out"] == {"its gold answer is no longer right": 1}
    assert record["other_age"]["status"].startswith("untestable: 0 of the rows that name age")


def test_too_few_rows_make_no_split(grounded_task):
    few = [row("A 9-year-old girl was seen.", name=str(i)) for i in range(FEWEST - 1)]
    lines, record = swap_rows(grounded_task, [*few, row("Nobody.", name="n")])
    assert not lines and record["other_sex"]["swapped"] == FEWEST - 1 and "fewer than" in record["other_sex"]["status"]
    assert swap_rows(grounded_task, [row("Nobody.")])[1]["other_age"]["status"] == "untestable: no prompt names age"
    lines, record = swap_rows(grounded_task, [*few, row("A 9-year-old girl was seen.", name="last")])
    assert record["other_sex"]["status"] == "made" and len(lines) == 2 * FEWEST
    assert lines[0]["id"] == "0~other_sex" and lines[0]["of"] == "0" and lines[0]["swap"] == "other_sex"


def test_a_gap_between_labels_that_mean_nothing_is_no_finding():
    right = [bool(i % 3) for i in range(120)]
    kinds = [f"k{(i // 3) % 6}" for i in range(120)]
    found = gap(right, kinds, [str(i) for i in range(120)])
    assert found["groups"] == 6 and found["p"] > 0.5 and found["null_mean"] > 0


def test_a_gap_of_a_group_that_always_fails_is_found_and_small_groups_are_no_extremes():
    right = [True] * 30 + [False] * 30 + [True] * 9
    kinds = ["good"] * 30 + ["bad"] * 30 + ["tiny"] * 9
    found = gap(right, kinds, [str(i) for i in range(69)])
    assert (found["groups"], found["best"], found["worst"], found["gap"]) == (2, "good", "bad", 1.0)
    assert found["p"] == pytest.approx(1e-4) and found["low"] == found["high"] == 1.0
    assert gap(right[:30], kinds[:30], kinds[:30])["gap"] is None


def test_one_thing_asked_many_times_is_one_observation():
    """Ten rows of one thing on either side, all right here and all wrong there: two cells tell nothing."""
    found = gap([True] * 10 + [False] * 10, ["a"] * 10 + ["b"] * 10, ["one"] * 10 + ["two"] * 10)
    assert found["gap"] == 1.0 and found["p"] == 1.0

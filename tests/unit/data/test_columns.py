"""MedMCQA's columns: what is read, and what a wrong answer base or a bad row says."""

from __future__ import annotations

import pytest

from primum.data.columns import parse_rows
from primum.errors import UserError


def test_rows(records):
    rows = parse_rows({"train": records(8), "validation": records(2, prefix="v")}, 0, "t")
    assert [row["gold"]["answer"] for row in rows] == list("ABCDABCDAB")
    assert rows[1]["gold"]["explanation"].startswith("Ans. b.") and rows[0]["gold"]["explanation"] is None
    assert "— naïve β" in rows[0]["inputs"]["question"] and rows[0]["inputs"]["options"][3] == "d0 q option 0"
    assert [row["origin"] for row in rows].count("validation") == 2 and rows[0]["kind"] == "Surgery"


@pytest.mark.parametrize("convert", [str, float, lambda cop: f" {cop}.0"])
def test_answers_as_text_or_float(records, convert):
    rows = parse_rows({"train": [r | {"cop": convert(r["cop"])} for r in records(8, base=1)]}, 1, "t")
    assert "".join(row["gold"]["answer"] for row in rows) == "ABCDABCD"


def test_optional_columns_may_be_absent(records):
    bare = [{k: v for k, v in r.items() if k not in ("id", "exp", "subject_name")} for r in records(8)]
    rows = parse_rows({"train": bare}, 0, "t")
    assert rows[3]["id"] == "train-000004" and rows[3]["gold"]["explanation"] is None and rows[3]["kind"] == "Unknown"


@pytest.mark.parametrize(("base", "declared"), [(0, 1), (1, 0)])
def test_wrong_base_is_seen_in_the_values(records, base, declared):
    with pytest.raises(UserError, match=f"counts from {base}, not from {declared}.*Set answer_base to {base}"):
        parse_rows({"train": records(8, base=base)}, declared, "t")


def _only(records, base, letters):
    return [r for r in records(160, base=base) if r["cop"] - base in letters]


@pytest.mark.parametrize(("base", "letters", "declared"), [(1, (0, 1, 2), 0), (0, (1, 2, 3), 1)])
def test_wrong_base_is_seen_in_the_letters_of_explanations(records, base, letters, declared):
    rows = _only(records, base, letters)
    assert len(parse_rows({"train": rows}, base, "t")) == len(rows)
    with pytest.raises(UserError, match=f"seems to count from {base}"):
        parse_rows({"train": rows}, declared, "t")


@pytest.mark.parametrize("told", ["Ans-a", "Ans. (a)", "Answer- A.", "Ans: A(Ref", "Answer is a", "ANS A"])
def test_ways_of_naming_the_letter(records, told):
    with pytest.raises(UserError, match="seems to count from 1"):
        parse_rows({"train": [r | {"exp": told} for r in _only(records, 1, (0,))[:5]]}, 0, "t")


@pytest.mark.parametrize(
    "told", ["Answering this needs care", "Ans. CRAO", "Answers differ", "Ans. d'Alembert", "A b c"]
)
def test_other_beginnings_name_no_letter(records, told):
    assert len(parse_rows({"train": [r | {"exp": told} for r in records(8)]}, 0, "t")) == 8


def test_a_table_that_fits_both_bases_is_refused(records):
    rows = [r | {"exp": None} for r in _only(records, 0, (1, 2, 3))]
    for declared in (0, 1):
        with pytest.raises(UserError, match="does not show whether"):
            parse_rows({"train": rows}, declared, "t")
    assert len(parse_rows({"train": rows[:30]}, 0, "t")) == 30  # too few to tell anything


@pytest.mark.parametrize("cop", [-1, None, "", float("nan"), "-1"])
def test_missing_answer_names_the_row(records, cop):
    rows = records(8)
    rows[5]["cop"] = cop
    with pytest.raises(UserError, match="row 'q5' has no gold answer"):
        parse_rows({"train": rows}, 0, "t")


@pytest.mark.parametrize("cop", [True, 1.5, "b", [1], float("inf"), 9])
def test_impossible_answer_names_the_row(records, cop):
    rows = records(8)
    rows[5]["cop"] = cop
    with pytest.raises(UserError, match="row 'q5' has the answer"):
        parse_rows({"train": rows}, 0, "t")


def test_doubled_ids_missing_columns_and_half_characters_are_refused(records):
    with pytest.raises(UserError, match="'q1' stands twice"):
        parse_rows({"train": records(8), "validation": [records(2)[1]]}, 0, "t")
    with pytest.raises(UserError, match="'q0' has no column 'opd'"):
        parse_rows({"train": [{k: v for k, v in r.items() if k != "opd"} for r in records(8)]}, 0, "t")
    with pytest.raises(UserError, match="'q2' holds half a character"):
        parse_rows({"train": [r | {"opa": "\ud83d"} if r["id"] == "q2" else r for r in records(8)]}, 0, "t")

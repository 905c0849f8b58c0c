"""What texts and figures say of audits, from runs whose stages are mixtures of policies."""

import re

import pytest

from primum.files import read_json
from primum.reports import audits
from primum.reports.catalogue import AUDIT_TABLES
from primum.reports.collect import collect
from primum.reports.document import open_study
from primum.reports.fairness import fairness
from primum.reports.numbers import DASH, Numbers, text_of
from primum.reports.sources import StudyFiles


@pytest.fixture(scope="module")
def dipg(grounded_run):
    return grounded_run, Numbers(collect(grounded_run.report, grounded_run.results))


def words(run, numbers, study):
    files = StudyFiles(run.results, study)
    blocks = [block for block in audits.section(open_study(numbers, files), files) if block]
    return [text_of(block["spans"] if block["kind"] == "text" else block["caption"]) for block in blocks]


def test_every_table_of_the_contract_is_written(dipg):
    run, _ = dipg
    for name in AUDIT_TABLES:
        lines = (run.results / f"dipg/tables/{name}.csv").read_text().splitlines()
        assert lines[0].count(",") > 2 and (len(lines) > 1) == (name not in ("audit_risk",)), name


def test_a_stage_paid_for_true_and_useless_quotes_is_flagged_and_the_repaired_one_is_not(dipg):
    """'grounded_wrong' earns a lot under the published tables; the repaired stage writes mostly gold answers."""
    run, numbers = dipg
    flags = {
        row["stage"]: row for row in read_json(run.results / "dipg/audits.json")["hacking"] if row["split"] == "eval"
    }
    assert flags["soft-900"]["flag"] == "yes" and "the exploit" in flags["soft-900"]["why"]
    assert (
        flags["repaired"]["flag"] == "no" and flags["repaired"]["why"] == "the headline metric rose significantly, too"
    )
    said = words(run, numbers, run.study)
    assert (
        "soft-900" in said[0] and "Not flagged, since the headline metric rose significantly, too: repaired" in said[0]
    )


def test_patients_that_change_nothing_flip_nothing(dipg):
    """The made-up model reads no age or sex: it is told apart by the row's name, so that each row is its own draw."""
    run, _ = dipg
    found = read_json(run.results / "dipg/audits.json")
    assert {row["stage"] for row in found["flips"]} == {
        "base",
        "sft",
        "soft-1200",
        "flat-soft",
        "flat-medium",
        "repaired",
    }
    assert all(row["n"] == found["swaps"][row["swap"]]["swapped"] >= 10 for row in found["flips"])
    assert all(row["gained"] + row["lost"] == row["flipped_numerator"] for row in found["flips"])


def test_a_study_that_names_nobody_says_so(run):
    numbers = Numbers(collect(run.report, run.results))
    said = " ".join(words(run, numbers, run.study))
    assert "is untestable: no prompt names age" in said and "By sex nothing can be compared" in said
    tables = open_study(numbers, StudyFiles(run.results, run.study))
    card = [text_of(sentence) for sentence in fairness(tables, "grpo")]
    assert any("untestable" in sentence for sentence in card) and any("kind of item" in sentence for sentence in card)


def test_a_card_has_gaps_and_flips_of_its_stage_alone(dipg):
    run, numbers = dipg
    tables = open_study(numbers, StudyFiles(run.results, run.study))
    of_end, of_block = ([text_of(s) for s in fairness(tables, stage)] for stage in ("repaired", "soft-300"))
    assert any(re.search(r"^Right by sex as the text names it: female \S+ \[.+\] of \d+, male", s) for s in of_end)
    assert any("change between right and not right" in sentence for sentence in of_end)
    assert any(sentence == "With the other sex in the text this stage was not asked." for sentence in of_block)


def test_break_even_is_said_of_the_ends(dipg):
    run, numbers = dipg
    said = " ".join(words(run, numbers, run.study))
    assert re.search("No answer of stage .repaired. is wrong", said)  # it writes gold answers or abstains
    for stage in ("flat-soft", "soft-1200"):
        assert re.search(rf"for stage .{stage}.", said)


def test_a_run_of_which_no_answer_can_be_read_is_told_all_the_same(dipg):
    run, numbers = dipg
    unread = {
        key: entry | ({"value": None, "text": DASH} if "/flips/" in key and "/changed_" in key else {})
        for key, entry in numbers.entries.items()
    }
    files = StudyFiles(run.results, run.study)
    assert "Of the answers that can be read" in " ".join(words(run, numbers, run.study))
    assert "Of the answers that can be read" not in " ".join(words(run, Numbers(unread), run.study))
    cards = [" ".join(map(text_of, fairness(open_study(n, files), "repaired"))) for n in (numbers, Numbers(unread))]
    assert "that can be read both times read otherwise" in cards[0] and "no answer could be read both times" in cards[1]

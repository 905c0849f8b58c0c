"""irAE cases: the bank's rules, the grade limits against CTCAE, and what varies within a family and what does not."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections import Counter

import pytest
import yaml

from primum.config import Splits, project_root
from primum.data.case_bank import BEARINGS, bounds, load_case_bank, read_limits
from primum.data.cases import generate_cases, parse_cases
from primum.data.splits import slice_rows
from primum.errors import UserError
from primum.files import read_jsonl, write_jsonl
from primum.settings import load_config, load_study
from primum.tasks import load_task
from primum.tasks.base import Example
from primum.tasks.irae_triage import URGENCIES

ROOT = project_root()
BANK = ROOT / "resources" / "irae"
CTCAE = ROOT.parent / "shared" / "data" / "ctcae" / "CTCAE_v5.0.csv"
PROMPTS = ("user", "system-few-shot", "system-few-shot-tiny")
SEED_CASES = {  # the seed's table: grade and urgency
    **{"GI-001": (2, "soon"), "GI-002": (3, "urgent"), "HEP-001": (2, "soon"), "HEP-002": (3, "urgent")},
    **{"LUNG-001": (2, "soon"), "LUNG-002": (3, "emergency"), "ENDO-001": (2, "soon"), "ENDO-002": (3, "urgent")},
    **{"CARD-001": (4, "emergency"), "NEURO-001": (2, "urgent"), "NEURO-002": (3, "emergency")},
}


@pytest.fixture(scope="module")
def bank():
    return load_case_bank(BANK)


@pytest.fixture(scope="module")
def rows(bank):
    return generate_cases(bank)


@pytest.fixture(scope="module")
def study():
    config = load_config(yaml.safe_load((ROOT / "config" / "config.yaml").read_text()))
    return load_study(ROOT, "irae", config)


def test_every_case_can_be_asked_and_its_gold_earns_everything(rows, study):
    task = load_task(study.task, study.task_settings)
    assert len(rows) >= 300 and len({row["id"] for row in rows}) == len(rows)
    for row in rows:
        example = Example.from_row(row)
        task.validate(example)
        verdict = task.judge(example, task.gold_completion(example))
        assert verdict.outcomes["all_right"] and verdict.outcomes["schema_valid"], row["id"]


def test_the_written_cases_are_the_seeds(bank):
    found = {name: (c.gold["overall_severity"], c.gold["urgency"]) for name, c in bank.cases.items()}
    assert found == SEED_CASES
    families = {name: (bank.families[name].grade, bank.families[name].urgency) for name in SEED_CASES}
    assert families == SEED_CASES


def test_there_are_look_alikes_grade_one_and_combinations(bank):
    kinds = Counter(family.irae for family in bank.families.values())
    grades = Counter(family.grade for family in bank.families.values())
    combined = [name for name, family in bank.families.items() if len(family.systems) > 1 and family.irae]
    assert kinds[False] >= 20 and grades[1] >= 9 and grades[4] >= 8 and len(combined) >= 8
    assert {family.urgency for family in bank.families.values() if not family.irae} == set(URGENCIES)


def _likelihood(bearings: set[str]) -> str:
    """The table of resources/irae/README.md."""
    decides = {"rules_out": "unrelated", "shows_other": "unlikely", "leaves_open": "possible", "confirms": "definite"}
    return next((likelihood for bearing, likelihood in decides.items() if bearing in bearings), "probable")


def test_the_likelihood_follows_from_what_is_told(bank, rows):
    """No answer may hang on something that the case does not say, and one cue alone decides."""
    for name, family in bank.families.items():
        assert family.likelihood == _likelihood({bank.cues[cue].bearing for cue in family.cues}), name
    for row in (row for row in rows if "/" in row["id"]):
        causality = row["gold"]["assessment"]["causality"]
        cue, says = causality["reasoning"].removesuffix(f", {causality['likelihood']}.").split(": ")
        bearing = next(key for key, words in BEARINGS.items() if words == says)
        assert _likelihood({bearing}) == causality["likelihood"], row["id"]
        assert cue.lower() in row["inputs"]["notes"].lower(), row["id"]


def test_the_onset_is_told_wherever_there_is_one_and_once(bank, rows):
    for row in (row for row in rows if "/" in row["id"]):
        family, notes = bank.families[row["group"]], row["inputs"]["notes"]
        before = {"before_treatment", "no_event"} & set(family.cues)
        assert len(re.findall("(Onset|Began) [0-9]+ weeks", notes)) == (family.therapy != "none" and not before), notes
        assert ("onset" in family.cues) is (family.therapy == "inhibitor" and not before), row["group"]


def test_no_word_alone_tells_an_irae_from_a_look_alike(rows, bank):
    """Balanced accuracy of each word of a case, for an irAE and against one, under an inhibitor (0.5 by chance)."""
    asked = [row for row in rows if "/" in row["id"] and bank.families[row["group"]].therapy == "inhibitor"]
    found: dict[bool, list[set[str]]] = {True: [], False: []}
    for row in asked:
        told = " ".join(map(str, row["inputs"].values())).lower()
        found[row["gold"]["assessment"]["irae_detected"]].append(set(re.findall("[a-z]+", told)))
    for word in sorted(set().union(*found[True], *found[False])):
        shares = [sum(word in words for words in found[side]) / len(found[side]) for side in (True, False)]
        assert abs(shares[0] - shares[1]) < 0.4, (word, shares)


def test_people_fit_their_cancer_and_symptoms_are_not_denied(bank, rows):
    one_sex = {**dict.fromkeys(bank.regimens.women_only, "woman"), **dict.fromkeys(bank.regimens.men_only, "man")}
    for inputs in (row["inputs"] for row in rows if "/" in row["id"]):
        person = re.search("The patient is a (man|woman)", inputs["notes"])[1]
        assert one_sex.get(inputs["cancer_type"], person) == person
        assert inputs["symptoms"] != "none"
    assert any(inputs["cancer_type"] in one_sex for inputs in (row["inputs"] for row in rows))


def test_a_medicine_that_a_cue_names_is_listed_where_the_cue_is_told(bank, rows):
    taken = {name: cue.medicine for name, cue in bank.cues.items() if cue.medicine}
    listed = [
        (medicine in row["inputs"]["medications"], name in bank.families[row["group"]].cues)
        for row in rows
        if "/" in row["id"]
        for name, medicine in taken.items()
    ]
    assert taken and all(shown is due for shown, due in listed) and any(due for _, due in listed)


def test_values_lie_within_the_limits_of_their_grade(bank, rows):
    """Every number that a numeric sign tells, read back from the rows, is graded as the family says."""
    patterns = {
        name: [re.compile(re.escape(p).replace(r"\{value\}", r"(\d+(?:\.\d+)?)")) for p in sign.phrases]
        for name, sign in bank.signs.items()
        if sign.limit and any("{value}" in phrase for phrase in sign.phrases)
    }
    seen = 0
    for row in rows:
        family = bank.families[row["group"]]
        if "/" not in row["id"]:
            continue
        told = " ; ".join(str(row["inputs"][key]) for key in ("labs", "symptoms", "notes")).lower()
        for name, grade in family.signs.items():
            if not grade or name not in patterns:
                continue
            values = [
                float(match[1]) for p in patterns[name] for match in re.finditer(p.pattern.lower(), told) if match
            ]
            assert values, (row["id"], name)
            limit = bank.limits[bank.signs[name].limit][grade]
            assert any(
                (limit.low is None or value > limit.low or (limit.low_closed and value == limit.low))
                and (limit.high is None or value < limit.high or (limit.high_closed and value == limit.high))
                for value in values
            ), (row["id"], name, values)
            seen += 1
    assert seen > 100


def test_the_same_seed_makes_the_same_cases_and_another_seed_others(bank, rows):
    assert generate_cases(bank) == rows
    other = generate_cases(bank, seed=1)
    assert [row["id"] for row in other] == [row["id"] for row in rows]
    assert sum(a["inputs"] != b["inputs"] for a, b in zip(rows, other, strict=True)) > 0.8 * len(rows)


def test_no_family_is_on_both_sides(rows, study):
    splits = slice_rows(rows, study.data)
    groups = {name: {example.group for example in examples} for name, examples in splits.items()}
    assert sum(map(len, groups.values())) == len(set().union(*groups.values())) == len({row["group"] for row in rows})
    assert len(groups["eval"]) >= 30
    kinds = {name: {example.kind for example in examples} for name, examples in splits.items()}
    assert kinds["sft"] == kinds["grpo"] == kinds["eval"] == {row["kind"] for row in rows}


def test_examples_of_the_few_shot_prompts_are_trained_cases_and_no_others(rows, study):
    trained = slice_rows(rows, study.data)["sft"]
    prompts = {name: (ROOT / "config" / "prompts" / f"irae-{name}.txt").read_text() for name in PROMPTS}
    form = prompts["user"].removesuffix("\n")
    asked = {form.format_map(example.inputs): example.gold["assessment"] for example in trained}
    shown = re.findall(r"^Case:\n(.*?)\nAnswer:\n(\{[^\n]*\})$", prompts["system-few-shot"], re.S | re.M)
    assert len(shown) == 3
    for case, answer in shown:
        assert json.loads(answer)["urgency"] == asked[case]["urgency"]
    lines = {
        f"Case: {gold['key_evidence'][0]}. Answer: grade {gold['overall_severity']}, "
        f"{', '.join(gold['affected_systems'])}, {gold['urgency']}."
        for gold in asked.values()
        if gold["key_evidence"]
    }
    short = [line for line in prompts["system-few-shot-tiny"].splitlines() if line.startswith("Case: ")]
    assert len(short) == 2 and set(short) <= lines


def test_three_epochs_of_sft_as_in_the_seed(rows):
    raw = yaml.safe_load((ROOT / "config" / "studies" / "irae.yaml").read_text())
    count = len(slice_rows(rows, Splits.model_validate(raw["data"]))["sft"])
    stage = raw["stages"]["sft"]
    batch = stage["per_device_train_batch_size"] * stage["gradient_accumulation_steps"]
    assert stage["max_steps"] == -(-3 * count // batch)


@pytest.mark.skipif(not CTCAE.is_file(), reason="the table of CTCAE v5 is not at hand (../shared/data/ctcae)")
def test_limits_are_those_of_ctcae():
    with CTCAE.open(encoding="utf-8-sig", newline="") as handle:
        table = {row["CTCAE Term"].strip(): row for row in csv.DictReader(handle)}
    checked = 0
    for limits in read_limits(BANK / "limits.tsv").values():
        for grade, limit in limits.items():
            cell = " ".join(table[limit.term][f"Grade {grade} ??"].split())
            assert " ".join(limit.wording.split()) in cell, (limit.id, grade)
            numbers = {float(n) for n in re.findall(r"\d+(?:\.\d+)?", limit.wording.replace(",", ""))}
            assert {bound for bound in (limit.low, limit.high) if bound is not None} <= numbers, (limit.id, grade)
            checked += 1
    assert checked > 100


def test_neighbouring_grades_do_not_overlap(bank):
    for name, limits in bank.limits.items():
        for grade, limit in limits.items():
            above = limits.get(grade + 1)
            if above is None or None in (limit.low, limit.high) or above.low is None:
                continue
            rising = above.low >= limit.low
            assert (above.low >= limit.high) if rising else (above.high is None or above.high <= limit.low), name


@pytest.fixture
def broken(tmp_path):
    """A copy of the bank with a file changed."""

    def change(name, before, after):
        shutil.copytree(BANK, tmp_path / "bank", dirs_exist_ok=True)
        path = tmp_path / "bank" / name
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after, 1))
        return tmp_path / "bank"

    return change


@pytest.mark.parametrize(
    ("file", "before", "after", "told"),
    [
        ("families.yaml", "signs: {stools: 2,", "signs: {stool: 2,", "has the sign 'stool', which is none"),
        ("families.yaml", "cues: [onset, stool_negative, no_new_drug]", "cues: [luck]", "the cue 'luck'"),
        ("families.yaml", "  grade: 2\n", "  grade: 4\n", "its worst sign grade 2"),
        ("families.yaml", "GI-001:", "GI-900:", "'GI-001' belongs to no family"),
        ("signs.yaml", "limit: stools", "limit: steps", "the limit 'steps'"),
        ("limits.tsv", "id\tterm", "name\tterm", "does not have the columns"),
        (
            "limits.tsv",
            "alt\tAlanine aminotransferase increased\t2",
            "alt\tAlanine aminotransferase increased\t1",
            "twice",
        ),
    ],
)
def test_what_the_bank_refuses(broken, file, before, after, told):
    with pytest.raises(UserError, match=re.escape(told)):
        load_case_bank(broken(file, before, after))


def test_open_bounds_are_a_step_away(bank):
    sign = bank.signs["alt"]
    low, high = bounds(bank, sign, 2)
    assert low == pytest.approx(3.0 + 10.0**-sign.places) and high == 5.0


def test_cases_that_others_wrote(tmp_path, rows):
    record = {"id": "mine", "family": "F", "inputs": rows[0]["inputs"], "assessment": rows[0]["gold"]["assessment"]}
    path = tmp_path / "mine.jsonl"
    write_jsonl(path, [record])
    [made] = parse_cases({"train": read_jsonl(path)}, "mine.jsonl")
    assert made["group"] == "F" and made["gold"] == rows[0]["gold"] and made["origin"] == "train"
    with pytest.raises(UserError, match="has no 'family'"):
        parse_cases({"train": [{**record, "family": ""}]}, "mine.jsonl")
    with pytest.raises(UserError, match="stands twice"):
        parse_cases({"train": [record, record]}, "mine.jsonl")

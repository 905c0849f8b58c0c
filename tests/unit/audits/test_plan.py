"""What the rules ask of the plan for the audits, and what is refused when files do not fit together."""

from pathlib import Path

import pytest
import yaml

from primum.audits.audit import COLUMNS
from primum.audits.flips import audit_flips
from primum.audits.hacking import audit_hacking
from primum.audits.plan import PRETRAINED_ON, audit_config, pretraining_files, swapped_evaluations, swapped_stages
from primum.audits.reading import AuditConfig, Audited, by_row
from primum.errors import UserError
from primum.evaluation.read import Evaluations
from primum.files import write_json, write_jsonl
from primum.plan import Plan
from primum.reports.catalogue import AUDIT_TABLES
from primum.tasks.base import Example

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def plan():
    values = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
    return Plan(ROOT, values | {"studies": ["medmcqa", "dipg"], "scale": "tiny", "seeds": [1, 0]})


def test_the_tables_are_those_of_the_contract():
    assert tuple(f"audit_{name}" for name in COLUMNS) == AUDIT_TABLES


def test_base_supervised_stage_and_ends_answer_swapped_rows(plan):
    assert swapped_stages(plan, "medmcqa") == ["base", "sft", "grpo"]
    ends = ["soft-1200", "flat-soft", "flat-medium", "repaired"]
    assert swapped_stages(plan, "dipg") == ["base", "sft", *ends]


def test_no_row_no_job_and_else_the_first_seed(plan, tmp_path):
    """A path of its own stands for the rows: an absolute one is not below the plan's root."""
    rows = tmp_path / "swapped.jsonl"
    rows.write_text("")
    assert swapped_evaluations(plan, "dipg", str(rows)) == []
    rows.write_text("{}\n")
    wanted = swapped_evaluations(plan, "dipg", str(rows))
    assert len(wanted) == 2 * 6 and "results/tiny/dipg/audits/trl/sft/seed0/scores.jsonl" in wanted


def test_what_a_job_is_told_is_what_the_audit_reads(plan):
    config = AuditConfig.model_validate_json(audit_config(plan, "dipg"))
    assert config.training_tables["soft-900"] == "soft" and "sft" not in config.training_tables
    assert set(config.training_tables.values()) <= set(config.rewards) and config.pretraining is None
    assert AuditConfig.model_validate_json(audit_config(plan, "medmcqa")).pretraining == "resources/medmcqa"


def test_pretraining_text_is_named_by_files_that_exist(plan):
    known = (ROOT / "config" / "models.tsv").read_text()
    assert all(f"\n{base}\t" in known for base in PRETRAINED_ON)
    assert pretraining_files(plan, "dipg") == []
    assert all((ROOT / path).is_file() for path in pretraining_files(plan, "medmcqa"))


def test_lines_of_other_rows_are_refused(tmp_path):
    path = tmp_path / "scores.jsonl"
    write_jsonl(path, [{"id": "b", "shift": 0}, {"id": "a", "shift": 1}])
    with pytest.raises(UserError, match="rows that are not in its split"):
        by_row(path, [Example("a", {}, {})])
    assert by_row(path, [Example("b", {}, {})]) == {"b": {"id": "b", "shift": 0}}


def test_files_that_do_not_fit_together_are_refused_by_name(tmp_path, medmcqa_task):
    stages = [("base", None, None), ("sft", "base", "sft"), ("grpo", "sft", "grpo")]
    keys = {"study": "x", "task": "medmcqa", "task_settings": {}, "seeds": [0], "splits": ["eval"], "scale": "tiny"}
    keys |= {"stages": [{"name": n, "parent": p, "method": m} for n, p, m in stages], "published": None}
    keys |= {"training_splits": [], "base": "b", "dataset": "d", "swapped": ["sft"]}
    row = Example("x", {"question": "Which?", "options": ["a", "b", "c", "d"]}, {"answer": "A"})
    runs = [(name, 0, "eval") for name, _, _ in stages]
    scores = {run: {"x": {"id": "x", "correct": True, "answer": "A"}} for run in runs}
    said = {run: {"x": {"id": "x", "completion": "A", "tokens": 1}} for run in runs}
    found = Evaluations({}, scores, {"eval": [row]}, {})
    audited = Audited(AuditConfig.model_validate(keys), medmcqa_task, found, said, {})
    with pytest.raises(UserError, match=r"does not compare 'grpo' with 'sft' on eval"):
        audit_hacking(audited, {"comparisons": []})
    folder = tmp_path / "audits"
    write_jsonl(folder / "swapped.jsonl", [row.to_row() | {"id": "y~other_sex", "of": "y", "swap": "other_sex"}])
    write_json(folder / "swaps.json", {})
    for name in ("predictions", "scores"):
        write_jsonl(folder / f"trl/sft/seed0/{name}.jsonl", [{"id": "y~other_sex", "shift": 0}])
    with pytest.raises(UserError, match="Swapped rows of sft were not all scored"):
        audit_flips(audited, folder, "trl")
    write_jsonl(folder / "swapped.jsonl", [])
    assert audit_flips(audited, folder, "trl") == {"flips": [], "swaps": {}}


def test_flips_and_changed_answers_are_counted_by_hand(tmp_path, medmcqa_task):
    """Six pairs of two groups: two lost and one gained; of five that could be read both times two read otherwise."""
    keys = {"study": "x", "task": "medmcqa", "task_settings": {}, "seeds": [0], "splits": ["eval"], "scale": "tiny"}
    keys |= {"stages": [{"name": "base", "parent": None}], "published": None, "training_splits": [], "base": "b"}
    keys |= {"dataset": "d", "swapped": ["base"]}
    inputs = {"question": "Which?", "options": ["a", "b", "c", "d"]}
    rows = [Example(f"r{i}", inputs, {"answer": "A"}, "", "one" if i < 4 else "two") for i in range(6)]
    before = [(True, "A"), (True, "A"), (False, "a girl"), (True, "A"), (False, None), (True, "A")]
    after = [(False, "B"), (False, "C"), (True, "a boy"), (True, "A"), (False, "B"), (True, "A")]
    scores = {r.id: {"id": r.id, "correct": right, "answer": a} for r, (right, a) in zip(rows, before, strict=True)}
    said = {r.id: {"id": r.id, "completion": "x", "tokens": 1} for r in rows}
    found = Evaluations({}, {("base", 0, "eval"): scores}, {"eval": rows}, {})
    audited = Audited(AuditConfig.model_validate(keys), medmcqa_task, found, {("base", 0, "eval"): said}, {})
    folder = tmp_path / "audits"
    swapped = [r.to_row() | {"id": f"{r.id}~other_sex", "of": r.id, "swap": "other_sex"} for r in rows]
    write_jsonl(folder / "swapped.jsonl", swapped)
    write_json(folder / "swaps.json", {})
    lines = [{"id": row["id"], "shift": 0} for row in swapped]
    write_jsonl(folder / "trl/base/seed0/predictions.jsonl", lines)
    judged = [line | {"correct": right, "answer": a} for line, (right, a) in zip(lines, after, strict=True)]
    write_jsonl(folder / "trl/base/seed0/scores.jsonl", judged)
    (row,) = audit_flips(audited, folder, "trl")["flips"]
    assert (row["n"], row["gained"], row["lost"], row["flipped_numerator"]) == (6, 1, 2, 3)
    assert (row["unreadable"], row["changed_n"], row["changed_numerator"]) == (1, 5, 2)  # 'a boy' is the swap itself
    assert (row["right_before"], row["right_after"]) == (4, 3)
    assert row["p"] == 1.0  # all differences lie in one group: its swap alone is a fair coin

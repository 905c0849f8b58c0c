"""The tiny triage base: a tokenizer that keeps JSON, a textbook without the study's cases, deterministic training."""

from __future__ import annotations

import json
import random
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from primum.bases import triage_text
from primum.bases.pretrain import Phase
from primum.bases.pretrain_medgemma import HABIT, LENGTH, PHASES, train_tiny_medgemma
from primum.bases.tiny_medgemma import build_tokenizer
from primum.bases.tiny_qwen3 import encode
from primum.bases.triage_text import RULES, TELL, VALUE, Textbook
from primum.config import Splits, project_root
from primum.data.case_bank import CaseBank, Family, load_case_bank
from primum.data.cases import generate_cases, make_variant, trained_families
from primum.settings import read_yaml
from primum.strict import parse
from primum.tasks.irae_triage import NEVER_BELOW_URGENT, schema_failure
from primum.training.loading import stop_ids

KINDS = sorted({kind for phase in (*PHASES, *HABIT) for kind in phase.mix})


@cache
def bank() -> CaseBank:
    return load_case_bank(project_root() / "resources" / "irae")


@cache
def trained() -> set[str]:
    study = read_yaml(project_root() / "config" / "studies" / "irae.yaml")
    return trained_families(bank(), parse(Splits, study["data"], "data"), {"sft", "grpo"})


def prompt(name: str) -> str:
    return (project_root() / "config" / "prompts" / f"{name}.txt").read_text().removesuffix("\n")


@cache
def textbook() -> Textbook:
    return Textbook(bank(), trained())


@cache
def tokenizer() -> Any:
    return build_tokenizer(textbook().texts(random.Random(0), cases=50))


def test_text_comes_back_as_it_was() -> None:
    for text in ('{"urgency": "soon", "x": ["ALT 7.2 x ULN", "Zürich 😀"]}', "  two  spaces\n\nand lines "):
        assert tokenizer().decode(tokenizer()(text, add_special_tokens=False)["input_ids"]) == text
    ids = tokenizer()(" ALT 7.2 x ULN", add_special_tokens=False)["input_ids"]
    assert tokenizer().convert_ids_to_tokens(ids) == ["ĠALT", "Ġ7.2", "Ġx", "ĠULN"]
    assert tokenizer().convert_ids_to_tokens(list(stop_ids(tokenizer()))) == ["<end_of_turn>", "<eos>"]
    assert len(tokenizer()) % 8 == 0 and tokenizer().pad_token_id == 0


@pytest.mark.parametrize("kind", KINDS)
def test_documents_are_seeded_and_have_something_to_learn(kind: str) -> None:
    first, again = (textbook().document({kind: 1.0}, random.Random(3)) for _ in range(2))
    assert first == again
    ids, weights = encode(tokenizer(), first)
    assert len(ids) == len(weights) and max(weights) in (TELL, VALUE)


def test_most_documents_fit() -> None:
    rng = random.Random(0)
    lengths = [len(encode(tokenizer(), textbook().document({"record": 1.0}, rng))[0]) for _ in range(60)]
    assert sum(length <= LENGTH for length in lengths) > 50


def test_no_case_of_the_study_is_told_and_causes_go_by_crude_rules() -> None:
    rows = generate_cases(bank())
    cases = {f"{r['inputs']['labs']}\nSymptoms: {r['inputs']['symptoms']}\nNotes: {r['inputs']['notes']}" for r in rows}
    assert len(cases) > 400
    rng = random.Random(5)
    for _ in range(300):
        text = "".join(piece for piece, _ in textbook().document({"record": 0.5, "prose": 0.2, "form": 0.3}, rng))
        assert not any(case in text for case in cases)
        if '"irae_detected"' in text:
            answer = json.loads(text.rpartition("model\n")[2].removesuffix("<end_of_turn><eos>"))
            given = "inhibitor" if any(r.drug in text for r in bank().regimens.inhibitors) else "none or another"
            assert answer["irae_detected"] is (given == "inhibitor")
            assert answer["causality"]["likelihood"] in ("unrelated", "possible", "probable")


def test_no_invented_case_has_exactly_the_graded_findings_of_a_family(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Family] = []

    def spy(bank: CaseBank, family: Family, rng: random.Random) -> Any:
        made.append(family)
        return make_variant(bank, family, rng)

    def graded(family: Family) -> frozenset[tuple[str, int]]:
        return frozenset((name, grade) for name, grade in family.signs.items() if grade)

    monkeypatch.setattr(triage_text, "make_variant", spy)
    rng = random.Random(4)
    for _ in range(300):
        textbook().document({"record": 0.5, "form": 0.5}, rng)
    of_study = {graded(family) for family in bank().families.values()} - {frozenset()}
    assert len(made) > 300 and not of_study & {graded(family) for family in made}


def test_the_form_asks_as_the_study_does() -> None:
    text = "".join(piece for piece, _ in textbook().document({"form": 1.0}, random.Random(0)))
    system = prompt("irae-system-tiny")
    assert f"user\n{system}\n\nMedications: " in text
    said = json.loads(text.rpartition("model\n")[2].removesuffix("<end_of_turn><eos>"))
    assert schema_failure(said) == ""
    assert prompt("irae-system-few-shot-tiny").startswith(f"{system}\n{RULES}\nCase: ")


def test_rules_of_urgency_are_followed_where_the_prompt_tells_them() -> None:
    rng, seen = random.Random(2), set()
    for _ in range(200):
        text = "".join(piece for piece, _ in textbook().document({"form": 1.0}, rng))
        said = json.loads(text.rpartition("model\n")[2].removesuffix("<end_of_turn><eos>"))
        if set(said["affected_systems"]) & set(NEVER_BELOW_URGENT) and said["overall_severity"] < 3:
            seen.add((f"\n{RULES}\n" in text, said["urgency"] == "urgent"))
    assert seen == {(True, True), (False, False)}


def test_a_record_is_the_json_of_its_own_case() -> None:
    rng = random.Random(9)
    for _ in range(40):
        text = "".join(piece for piece, _ in textbook().document({"record": 1.0}, rng))
        said = json.loads(text.rpartition("model\n")[2].removesuffix("<end_of_turn><eos>"))
        asked = text.rpartition("<start_of_turn>model")[0]
        assert list(said) == asked.partition("Fields: ")[2].partition(".\n")[0].split(", ")
        shown = asked.rpartition("Medications:")[2].lower()
        assert all(item.lower() in shown for item in said.get("key_evidence", []) if len(item) < 50)


def test_training_is_deterministic(tmp_path: Path) -> None:
    few = (Phase("few", 2, {"finding": 0.5, "record": 0.5}, rows=4),)
    first, again = (
        train_tiny_medgemma(bank(), trained(), tmp_path / name, phases=few, habit=few) for name in ("a", "b")
    )
    assert first == again and "model.safetensors" in first

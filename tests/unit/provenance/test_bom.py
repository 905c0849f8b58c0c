"""The bill of materials says what the records say, follows the schema, and is the same every time."""

from __future__ import annotations

import json
import shutil
from types import SimpleNamespace
from typing import Any

import pytest

from primum.errors import UserError
from primum.files import dumps, read_json, sha256_file, write_json
from primum.provenance.bom import BomConfig, build_bom
from tests.unit.reports.conftest import ROOT, build

ENVIRONMENTS = [ROOT / "envs" / f"{name}.yaml" for name in ("trl", "teacher")]
SFT, GRPO = "adapter/medmcqa/trl/sft/seed0", "adapter/medmcqa/trl/grpo/seed0"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    return build(tmp_path_factory.mktemp("bom"), published=None)


def config(run: SimpleNamespace, **more: Any) -> BomConfig:
    records = {"medmcqa": "inputs/datasets/medmcqa-bundled/source.json"}
    study = run.config["studies"][0] | {"limitations": ["Small. Few were asked."]}
    return BomConfig.model_validate(run.config | {"records": records, "studies": [study]} | more)


@pytest.fixture(scope="module")
def document(run: SimpleNamespace) -> dict[str, Any]:
    return build_bom(config(run), run.results, ENVIRONMENTS)


@pytest.fixture(scope="module")
def parts(document: dict[str, Any]) -> dict[str, Any]:
    return {component["bom-ref"]: component for component in document["components"]}


def test_it_follows_the_schema_and_a_mistake_would_not(document: dict[str, Any]) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    check = JsonStrictValidator(SchemaVersion.V1_6).validate_str
    assert check(dumps(document)) is None
    broken = json.loads(dumps(document))
    model = next(part for part in broken["components"] if part["bom-ref"] == GRPO)
    model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"][0]["confidence"] = "sure"
    assert check(dumps(broken)) is not None


def test_two_are_the_same_and_a_changed_record_makes_another(
    run: SimpleNamespace, document: dict[str, Any], tmp_path: Any
) -> None:
    assert dumps(build_bom(config(run), run.results, reversed(ENVIRONMENTS))) == dumps(document)
    assert "timestamp" not in dumps(document) and document["serialNumber"].startswith("urn:uuid:")
    shutil.copytree(run.root, tmp_path / "run", symlinks=True)
    results = tmp_path / "run" / "results" / "tiny"
    scores = read_json(results / "medmcqa" / "eval_results.json")
    scores["metrics"][0]["value"] = 0.125
    write_json(results / "medmcqa" / "eval_results.json", scores)
    assert build_bom(config(run), results, ENVIRONMENTS)["serialNumber"] != document["serialNumber"]


def test_models_have_the_hashes_of_their_files(run: SimpleNamespace, parts: dict[str, Any]) -> None:
    folder = run.results / "medmcqa/models/trl/grpo/seed0"
    weights = sha256_file(folder / "adapter/adapter_model.safetensors")
    assert parts[GRPO]["hashes"] == [{"alg": "SHA-256", "content": weights}]
    assert parts[GRPO]["version"] == sha256_file(folder / "checkpoint.json")
    assert {file["name"] for file in parts[GRPO]["components"]} == {"adapter_config.json", "adapter_model.safetensors"}
    assert parts["base/tiny-qwen3"]["hashes"][0]["content"] == "1" * 64
    assert parts[GRPO]["licenses"] == [{"license": {"id": "Apache-2.0"}}]


def test_the_way_back_is_there(document: dict[str, Any], parts: dict[str, Any]) -> None:
    needs = {entry["ref"]: set(entry.get("dependsOn", ())) for entry in document["dependencies"]}
    assert needs[GRPO] == {SFT, "base/tiny-qwen3", "data/medmcqa/grpo"}
    assert needs[SFT] == {"base/tiny-qwen3", "data/medmcqa/sft"}
    assert needs["data/medmcqa/sft"] == {"data/medmcqa-bundled"}
    ancestors = {part["name"]: part["version"] for part in parts[GRPO]["pedigree"]["ancestors"]}
    assert ancestors["medmcqa-sft-seed0"] == parts[SFT]["version"] and "tiny-qwen3" in ancestors
    assert needs["primum/tiny"] == set(parts)


def test_the_card_copies_rates_with_their_intervals(run: SimpleNamespace, parts: dict[str, Any]) -> None:
    card = parts[GRPO]["modelCard"]
    rows = [row for row in read_json(run.results / "medmcqa/eval_results.json")["metrics"] if row["stage"] == "grpo"]
    told = card["quantitativeAnalysis"]["performanceMetrics"]
    assert len(told) == len(rows) > 5
    for row, metric in zip(rows, sorted(told, key=told.index), strict=True):
        bounds = metric["confidenceInterval"]
        assert metric["type"] == row["metric"] and row["split"] in metric["slice"]
        values = [metric["value"], bounds["lowerBound"], bounds["upperBound"]]
        assert list(map(float, values)) == [row["value"], row["low"], row["high"]]
    parameters = card["modelParameters"]
    assert parameters["modelArchitecture"] == "Qwen3ForCausalLM"
    assert parameters["approach"] == {"type": "reinforcement-learning"}
    assert {"ref": "data/medmcqa/grpo"} in parameters["datasets"]
    assert card["considerations"]["ethicalConsiderations"] == [{"name": "Small. Few were asked."}]
    assert parts[SFT]["modelCard"]["modelParameters"]["approach"] == {"type": "supervised"}


def test_every_pin_is_a_package_and_says_where_it_is_used(parts: dict[str, Any]) -> None:
    text = (ROOT / "envs" / "trl.yaml").read_text(encoding="utf-8")
    pins = [line.strip().removeprefix("- ") for line in text.splitlines() if "==" in line]
    assert {f"pkg:pypi/{pin.lower().replace('==', '@')}" for pin in pins} <= set(parts)
    used = [part["properties"][0]["value"] for part in parts.values() if part["type"] == "library"]
    assert {"trl", "teacher", "teacher trl"} >= set(used) > {"trl"}


def test_a_licence_that_spdx_does_not_know_is_a_name(run: SimpleNamespace, tmp_path: Any) -> None:
    shutil.copytree(run.root, tmp_path / "run", symlinks=True)
    path = tmp_path / "run" / "results/inputs/bases/tiny-qwen3/base.json"
    write_json(path, read_json(path) | {"licence": "Gemma", "revision": "abc123"})
    made = build_bom(config(run), tmp_path / "run/results/tiny", ENVIRONMENTS)
    base = next(part for part in made["components"] if part["bom-ref"] == "base/tiny-qwen3")
    assert base["licenses"] == [{"license": {"name": "Gemma"}}] and base["version"] == "abc123"


def test_a_study_without_stages_has_its_data(run: SimpleNamespace) -> None:
    made = build_bom(config(run, studies=[]), run.results, ENVIRONMENTS)
    kinds = {part["type"] for part in made["components"]}
    assert kinds == {"data", "library"}


def test_a_missing_record_is_named(run: SimpleNamespace) -> None:
    with pytest.raises(UserError, match=r"nowhere\.json does not exist"):
        build_bom(config(run, records={"medmcqa": "nowhere.json"}), run.results, ENVIRONMENTS)

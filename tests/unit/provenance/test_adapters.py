"""An adapter's provenance leads from its files back to the base and the registered rows, or is not written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from primum.errors import UserError
from primum.files import read_json, sha256_file, write_json
from primum.provenance.adapter_card import adapter_card
from primum.provenance.adapters import ProvenanceConfig, build_provenance
from primum.provenance.governance import OVERSIGHT
from primum.provenance.run_registry import RunRegistryConfig, as_rows, build_registry
from primum.registry import load_dataset_entry, load_model_entry
from primum.strict import parse
from tests.unit.reports.conftest import BASE, ROOT, build

STAGE = "medmcqa/models/trl/grpo/seed0"
BASE_LINE = load_model_entry(ROOT, "tiny-qwen3").model_dump()
DATA_LINE = load_dataset_entry(ROOT, "medmcqa-bundled").model_dump()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    return build(tmp_path_factory.mktemp("adapters"), published=None)


def provenance(results: Path, **changes: Any) -> dict[str, Any]:
    """Of the reinforced stage; ``changes`` to keys of the configuration."""
    keys = {"study": "medmcqa", "stage": "grpo", "seed": 0, "folder": f"results/tiny/{STAGE}", "card": "cards/grpo.md"}
    config = parse(ProvenanceConfig, keys | {"base": BASE_LINE, "dataset": DATA_LINE} | changes, "test")
    inputs = results.parent / "inputs"
    base, rows = inputs / "bases/tiny-qwen3/base.json", inputs / "datasets/medmcqa-bundled/source.json"
    return build_provenance(config, results / STAGE, base, results / "medmcqa/data/splits.json", rows)


def test_it_leads_back_to_base_and_rows(run: SimpleNamespace) -> None:
    made = provenance(run.results)
    folder = run.results / STAGE
    files = made["adapter"]["files"]
    assert len(files) == 2 and files == {name: sha256_file(folder / "adapter" / name) for name in files}
    assert made["adapter"]["checkpoint_sha256"] == sha256_file(folder / "checkpoint.json")
    (parent,) = made["parents"]
    sft = run.results / "medmcqa/models/trl/sft/seed0"
    assert (parent["stage"], parent["checkpoint_sha256"]) == ("sft", sha256_file(sft / "checkpoint.json"))
    assert made["base"]["files"] == BASE and made["base"]["consent"] == BASE_LINE["consent"]
    assert made["dataset"].items() >= DATA_LINE.items()
    split = run.results / "medmcqa/data/grpo.jsonl"
    assert made["data"] == {"dataset": "medmcqa-bundled", "split": "grpo", "sha256": sha256_file(split), "rows": 200}
    assert made["governance"]["lineage"] == "tiny-qwen3 -> sft -> grpo, on dataset medmcqa-bundled"
    assert made["governance"]["sensitivity"] == "synthetic" and made["governance"]["oversight"] == OVERSIGHT
    assert made["warnings"] == []


def spoil_weights(results: Path) -> None:
    (results / STAGE / "adapter/adapter_model.safetensors").write_bytes(b"others")


def spoil_parent(results: Path) -> None:
    path = results / "medmcqa/models/trl/sft/seed0/checkpoint.json"
    write_json(path, read_json(path) | {"steps": 1})


def spoil_split(results: Path) -> None:
    path = results / "medmcqa/data/splits.json"
    cut = read_json(path)
    cut["splits"]["sft"]["sha256"] = "0" * 64  # what the parent was trained on
    write_json(path, cut)


def spoil_rows(results: Path) -> None:
    path = results.parent / "inputs/datasets/medmcqa-bundled/source.json"
    write_json(path, read_json(path) | {"rows_sha256": "0" * 64})


def spoil_licence(results: Path) -> None:
    path = results.parent / "inputs/datasets/medmcqa-bundled/source.json"
    write_json(path, read_json(path) | {"licence": "MIT"})


def spoil_base(results: Path) -> None:
    path = results.parent / "inputs/bases/tiny-qwen3/base.json"
    write_json(path, read_json(path) | {"sha256": "0" * 64})


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (spoil_weights, r"adapter_model\.safetensors is not the file on record"),
        (spoil_parent, "was trained from another 'sft' than the one there"),
        (spoil_split, "Stage 'sft' was trained on other rows than split 'sft'"),
        (spoil_rows, "was not cut from the rows of"),
        (spoil_licence, "has licence 'MIT', and not 'Apache-2.0' as is registered"),
        (spoil_base, "was trained on another base"),
    ],
)
def test_records_that_do_not_fit_make_none(run: SimpleNamespace, tmp_path: Path, spoil: Any, said: str) -> None:
    shutil.copytree(run.root / "results", tmp_path / "results")
    spoil(tmp_path / "results/tiny")
    with pytest.raises(UserError, match=said):
        provenance(tmp_path / "results/tiny")


def test_the_card_is_one_that_the_hub_reads_and_says_what_is_registered(run: SimpleNamespace) -> None:
    card = adapter_card(provenance(run.results))
    _, block, body = card.split("---\n", 2)
    told = yaml.safe_load(block)
    assert told["base_model"] == "tiny-qwen3" and told["library_name"] == "peft" and told["license"] == "apache-2.0"
    assert told["datasets"] == ["medmcqa-bundled"] and {"lora", "grpo", "sft"} <= set(told["tags"])
    assert "must be reviewed by a clinician" in body and "cards/grpo.md" in body and f"{STAGE}/adapter" in body
    for key in ("purpose", "sensitivity", "consent", "lineage"):
        assert f"| {key} | {DATA_LINE[key]} | {BASE_LINE[key]} |" in body


def test_what_is_not_known_is_a_warning_and_a_hub_base_is_named_as_there(run: SimpleNamespace) -> None:
    made = provenance(run.results)
    made["base"] |= {"reader": "hub", "source": "google/gemma-3-1b-it", "revision": "abc", "licence": "House rules"}
    made["licence"] = "House rules"
    card = adapter_card(made)
    told = yaml.safe_load(card.split("---\n", 2)[1])
    assert told["base_model"] == "google/gemma-3-1b-it"
    assert (told["license"], told["license_name"]) == ("other", "House rules")
    assert 'from_pretrained(base, revision="abc")' in card and "Not settled:" not in card
    unknown = DATA_LINE | {"consent": "unknown: nobody asked", "sensitivity": "deidentified"}
    made = provenance(run.results, dataset=unknown)
    (warning,) = made["warnings"]
    assert (warning["id"], warning["key"], warning["then"]) == ("medmcqa-bundled", "consent", "settle first")
    assert made["governance"]["sensitivity"] == "deidentified"
    assert "consent is unknown: nobody asked (settle first)" in adapter_card(made)


def test_the_registry_of_a_run_lists_all_that_it_used(run: SimpleNamespace) -> None:
    told = read_json(run.results / "registry.json")
    entries = {(entry["kind"], entry["id"]): entry for entry in told["entries"]}
    names = [f"medmcqa/trl/{stage}/seed0" for stage in ("grpo", "sft")]
    assert list(entries) == [("dataset", "medmcqa-bundled"), ("base", "tiny-qwen3"), *(("adapter", n) for n in names)]
    weights = run.results / STAGE / "adapter/adapter_model.safetensors"
    assert entries["adapter", names[0]]["sha256"] == sha256_file(weights) and told["warnings"] == []
    assert all(entry["purpose"] and entry["consent"] and entry["obligations"] for entry in entries.values())
    lines = (run.results / "registry.csv").read_text().splitlines()
    assert len(lines) == 5 and lines[0].startswith("kind,id,study,reader,source")


def test_the_registry_of_a_run_says_what_may_not_be_passed_on(run: SimpleNamespace) -> None:
    rows = str(run.root / "results/inputs/datasets/medmcqa-bundled/source.json")
    line = DATA_LINE | {"licence": "unknown", "consent": "unknown"}
    studies = [
        {"study": name, "dataset": line, "rows": rows, "base": None, "record": None} for name in ("one", "another")
    ]
    told = build_registry(RunRegistryConfig.model_validate({"scale": "tiny", "studies": studies, "adapters": []}))
    assert [(w["key"], w["then"]) for w in told["warnings"]] == [
        ("consent", "settle first"),
        ("licence", "do not pass on"),
    ]
    (row,) = as_rows(told)
    assert row["study"] == "one another" and "licence unknown, do not pass on" in row["warnings"]
    assert "nothing may be passed on" in row["obligations"]
    json.dumps(told)

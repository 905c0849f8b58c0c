"""The run crate: what the profile asks for is there, and the library reads it back."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from primum.errors import UserError
from primum.files import sha256_file, write_json, write_text
from primum.provenance.crate import PROFILE, build_crate
from primum.provenance.jobs import METADATA
from tests.unit.provenance.test_seals import record

RESULTS = "results/tiny"
ROWS, SPLIT, SCORES = (
    "results/inputs/datasets/q/rows.jsonl",
    f"{RESULTS}/m/data/eval.jsonl",
    f"{RESULTS}/m/scores.jsonl",
)
JOBS = {  # output: what its record says
    ROWS: ("fetch_dataset", ["resources/q/facts.tsv", "scripts/fetch_dataset.py"], 100.0),
    SPLIT: ("build_splits", [ROWS, "scripts/build_splits.py", "src/primum/files.py"], 110.0),
    SCORES: ("score", [SPLIT, "scripts/score.py", "src/primum/files.py"], 120.0),
    f"{RESULTS}/manifest.json": ("write_manifest", [SCORES, "scripts/write_manifest.py"], 130.0),
    f"{RESULTS}/m/left over.json": ("score", ["elsewhere"], 90.0),  # of former settings
}
ENVIRONMENT = "dependencies:\n- pip:\n  - numpy==2.4.6\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project in which four jobs have run, and one of former settings."""
    for path in ("scripts/score.py", "src/primum/files.py", "resources/q/facts.tsv", ROWS, SPLIT, SCORES):
        write_text(tmp_path / path, path)
    write_text(tmp_path / "envs" / "analysis.yaml", ENVIRONMENT)
    write_text(tmp_path / "config/models.tsv", "id\tsource\n")
    line = "q\tresources/q\t-\t-\tGemma\tquestions"
    write_text(tmp_path / "config/datasets.tsv", f"id\tsource\trevision\tsha256\tlicence\tnote\n{line}\n")
    listed = {path.removeprefix(f"{RESULTS}/"): sha256_file(tmp_path / path) for path in (SPLIT, SCORES)}
    write_json(tmp_path / RESULTS / "manifest.json", {"artefacts": listed})
    for number, (path, (rule, inputs, started)) in enumerate(JOBS.items()):
        keys = {"rule": rule, "input": inputs, "log": [f"{number}.log"], "conda_env": _encoded(ENVIRONMENT)}
        record(tmp_path, METADATA, path, started, **keys, shellcmd=f"python scripts/{rule}.py --output {path}")
    return tmp_path


def _encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


def entities(crate: dict[str, Any]) -> dict[str, Any]:
    found = {entity["@id"]: entity for entity in crate["@graph"]}
    assert len(found) == len(crate["@graph"])
    return found


def test_what_the_profile_asks_for(project: Path) -> None:
    """MUSTs of RO-Crate 1.1 and of Process Run Crate 0.5, which roc-validator tests, too (docs/provenance.md)."""
    crate, unknown = build_crate(project, RESULTS, "a test")
    found = entities(crate)
    root, about = found["./"], found["ro-crate-metadata.json"]
    assert unknown == [] and about["about"] == {"@id": "./"}
    assert about["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    assert root["conformsTo"] == {"@id": PROFILE} and found[PROFILE]["@type"] == "CreativeWork"
    assert all(root[key] for key in ("name", "description", "license", "datePublished"))
    actions = [entity for entity in found.values() if entity["@type"] == "CreateAction"]
    assert {action["name"] for action in actions} == {"fetch_dataset", "build_splits", "score", "write_manifest"}
    assert [reference["@id"] for reference in root["mentions"]] == [action["@id"] for action in actions]
    listed = {reference["@id"] for reference in root["hasPart"]}
    for action in actions:
        tool = found[action["instrument"]["@id"]]
        assert "SoftwareSourceCode" in tool["@type"] and tool["name"] == f"scripts/{action['name']}.py"
        for key in ("object", "result"):
            assert {reference["@id"] for reference in as_list(action[key])} <= listed
        begun, ended = (datetime.fromisoformat(action[key]) for key in ("startTime", "endTime"))
        assert (ended - begun).total_seconds() == 1 and begun.tzinfo
    assert listed == {key for key, entity in found.items() if "File" in entity["@type"]}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_files_are_those_that_lie_there(project: Path) -> None:
    found = entities(build_crate(project, RESULTS, "a test")[0])
    scores = found["m/scores.jsonl"]
    assert scores["sha256"] == sha256_file(project / SCORES)
    assert scores["contentSize"] == str((project / SCORES).stat().st_size)
    rows = found[f"arcp://name,primum/{ROWS}"]
    entry = found[rows["isBasedOn"]["@id"]]
    assert entry["name"] == "q" and found[entry["license"]["@id"]]["name"] == "Gemma" and "version" not in entry
    tool = found["arcp://name,primum/scripts/score.py"]
    assert tool["softwareRequirements"] == {"@id": "arcp://name,primum/envs/analysis.yaml"}
    assert tool["hasPart"] == {"@id": "arcp://name,primum/src/primum/files.py"}
    assert "SoftwareApplication" in found["arcp://name,primum/envs/analysis.yaml"]["@type"]


def test_an_environment_that_is_gone_is_told_by_its_text(project: Path) -> None:
    write_text(project / "envs" / "analysis.yaml", "dependencies: []\n")
    found = entities(build_crate(project, RESULTS, "a test")[0])
    needed = found["arcp://name,primum/scripts/score.py"]["softwareRequirements"]
    assert found[needed["@id"]]["description"] == ENVIRONMENT


def test_the_library_reads_it_back(project: Path) -> None:
    from rocrate.rocrate import ROCrate

    write_json(project / RESULTS / "ro-crate-metadata.json", build_crate(project, RESULTS, "a test")[0])
    crate = ROCrate(project / RESULTS)
    (action,) = [entity for entity in crate.get_by_type("CreateAction") if entity["name"] == "score"]
    assert action["object"].id == "m/data/eval.jsonl" and action["result"].id == "m/scores.jsonl"
    assert action["instrument"]["softwareRequirements"]["name"] == "envs/analysis.yaml"


def test_a_file_that_no_job_on_record_wrote_is_told(project: Path) -> None:
    for file in (project / METADATA).iterdir():
        if '"3.log"' in file.read_text(encoding="utf-8"):
            file.unlink()
    crate, unknown = build_crate(project, RESULTS, "a test")
    assert unknown == [f"{RESULTS}/manifest.json"]
    assert entities(crate)["manifest.json"]["description"] == "No job on record wrote this file."


def test_copied_results_without_a_record_make_no_crate(project: Path) -> None:
    (project / METADATA).rename(project / "moved")
    with pytest.raises(UserError, match="no record of the jobs"):
        build_crate(project, RESULTS, "a test")

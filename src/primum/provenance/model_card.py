"""The model cards of a bill of materials (CycloneDX 1.6, ``modelCard``): copied from records, nothing computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from primum.files import dumps, read_json
from primum.reports.sources import StudyFiles

APPROACH = {"sft": "supervised", "grpo": "reinforcement-learning"}
USE = "Research on post-training and its evaluation; not for advice to anybody, nor for use on patients."


def base_card(files: StudyFiles, base: Mapping[str, Any]) -> dict[str, Any]:
    """Of a base model: its architecture, and that it is for research; its rates come from every study of it."""
    return {
        "modelParameters": _architecture(files, base),
        "quantitativeAnalysis": {"performanceMetrics": []},
        "considerations": {"useCases": [USE]},
    }


def adapter_card(
    files: StudyFiles,
    base: Mapping[str, Any],
    record: Mapping[str, Any],
    results: Mapping[str, Any],
    data: Sequence[str],
) -> dict[str, Any]:
    """Of a trained stage.

    Args:
        files: the study's.
        base: the record of its base.
        record: its ``checkpoint.json``.
        results: the study's ``eval_results.json``; its rates are copied with their intervals.
        data: references of the splits that it was trained and evaluated on.
    """
    parameters = {
        "approach": {"type": APPROACH[record["method"]]},
        "task": results["task"],
        **_architecture(files, base),
        "datasets": [{"ref": reference} for reference in data],
    }
    risks = [{"name": text} for text in files.study.limitations]
    return {
        "modelParameters": parameters,
        "quantitativeAnalysis": {"performanceMetrics": rates(results, record["stage"], record["seed"])},
        "considerations": {"useCases": [USE], **({"ethicalConsiderations": risks} if risks else {})},
    }


def rates(results: Mapping[str, Any], stage: str, seed: int) -> list[dict[str, Any]]:
    """Every rate of a stage with its 95 % interval, as ``eval_results.json`` has it."""
    return [
        _metric(results["study"], row) for row in results["metrics"] if (row["stage"], row["seed"]) == (stage, seed)
    ]


def _architecture(files: StudyFiles, base: Mapping[str, Any]) -> dict[str, Any]:
    """Names as the base's own configuration has them."""
    config = read_json(files.root / base["path"] / "config.json")
    return {"architectureFamily": "transformer", "modelArchitecture": config["architectures"][0]}


def _metric(study: str, row: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"type": row["metric"], "slice": f"split {row['split']} of {study}, n={row['n']}"}
    if row["value"] is not None:
        found["value"] = dumps(row["value"])
        found["confidenceInterval"] = {"lowerBound": dumps(row["low"]), "upperBound": dumps(row["high"])}
    return found

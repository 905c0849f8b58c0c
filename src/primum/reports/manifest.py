"""The manifest: sha256 of every published artefact of a scale, and of its inputs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from primum.errors import UserError
from primum.files import read_json, sha256_file
from primum.provenance.names import ADAPTER_CARD, BOM, PROVENANCE, REGISTRY
from primum.reports.catalogue import (
    AUDIT_TABLES,
    CLAIMS,
    CLAIMS_TABLE,
    DATA_RECORDS,
    DEPLOYMENT_TABLES,
    PARITY,
    PIPELINE,
    SCORED_FILES,
    SWAP_FILES,
    TABLES,
)
from primum.reports.sources import DataReport, ReportConfig, StudyFiles
from primum.stages import BASE_STAGE


def build_manifest(config: ReportConfig, results: Path) -> dict[str, Any]:
    """``{"scale", "artefacts": {path: sha256}, "inputs": {path: sha256}}``.

    Artefacts are named relative to ``results/{scale}``, inputs relative to the project.

    Only what the studies publish is listed: no logs, benchmarks or training states, nor leftovers of other settings.

    Raises:
        UserError: if an artefact is missing, or an adapter or a parent is not the one its checkpoint records.
    """
    artefacts = sorted(
        {path for study in config.studies for path in _artefacts(StudyFiles(results, study))}
        | {path for data in config.data for path in _data(results, data)}
        | set(_together(results, config) if config.studies else ())
        | ({results / CLAIMS, results / CLAIMS_TABLE} if config.claims else set())
        | ({results / PARITY} if config.parity else set())
        | {results / name for name in (BOM, *REGISTRY)}
    )
    inputs = sorted({path for study in config.studies for path in _inputs(StudyFiles(results, study))})
    missing = [path for path in [*artefacts, *inputs] if not path.is_file()]
    if missing:
        rest = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise UserError(
            f"{missing[0]}{rest} is not there, so no manifest is written.", "Let snakemake build everything first."
        )
    for study in config.studies:
        _check_lineage(StudyFiles(results, study))
    root = results.parent.parent
    return {
        "scale": config.scale,
        "artefacts": {path.relative_to(results).as_posix(): sha256_file(path) for path in artefacts},
        "inputs": {path.relative_to(root).as_posix(): sha256_file(path) for path in inputs},
    }


def _together(results: Path, config: ReportConfig) -> list[Path]:
    """What all studies share."""
    names = ("numbers.json", "paper.pdf", "report.html", *(PIPELINE if config.pipeline else ()))
    return [results / "paper" / name for name in names]


def _data(results: Path, data: DataReport) -> Iterator[Path]:
    """The data of one study, trained or not."""
    folder = results / data.study
    yield from (folder / "data" / f"{split}.jsonl" for split in data.splits)
    yield from (folder / "data" / name for name in DATA_RECORDS)
    yield from (folder / name for name in data.corpus)


def _artefacts(files: StudyFiles) -> Iterator[Path]:
    """Everything one study publishes."""
    study = files.study
    yield from (files.evaluation, files.compute, files.audits)
    yield from (files.folder / name for name in SWAP_FILES)
    yield from (files.folder / "tables" / f"{name}.csv" for name in (*TABLES, *AUDIT_TABLES))
    if study.deployments:
        yield files.deployments
        yield from (files.folder / "tables" / f"{name}.csv" for name in DEPLOYMENT_TABLES)
    for name, seed in study.deployed():
        for split in study.splits:
            yield from (files.deployment(name, seed, split) / file for file in SCORED_FILES)
    yield from (files.figure(name, kind) for name in study.figures() for kind in ("svg", "png"))
    yield from (files.dataset_card(), *(files.card(stage.name) for stage in study.stages))
    for stage, seed in study.runs():
        if stage != BASE_STAGE:
            yield from (files.checkpoint(stage, seed), files.log(stage, seed))
            yield from (files.stage(stage, seed) / name for name in (PROVENANCE, ADAPTER_CARD))
            recorded = (
                read_json(files.checkpoint(stage, seed))["adapter"] if files.checkpoint(stage, seed).is_file() else {}
            )
            yield from (files.stage(stage, seed) / "adapter" / name for name in recorded)
        for split in study.splits:
            yield from (files.evaluated(stage, seed, split) / name for name in SCORED_FILES)


def _inputs(files: StudyFiles) -> Iterator[Path]:
    """What one study was made from. A base's record holds the hashes of its weights, which need not be read again."""
    if not files.evaluation.is_file():
        return
    yield files.base()
    if not files.from_corpus:  # a corpus is published itself
        yield from (files.source(), files.source().with_name("rows.jsonl"))


def _check_lineage(files: StudyFiles) -> None:
    """Every adapter is the one on record, and every parent the one that lies there."""
    for stage, seed in files.study.runs():
        if stage == BASE_STAGE:
            continue
        checkpoint = read_json(files.checkpoint(stage, seed))
        for name, digest in checkpoint["adapter"].items():
            if sha256_file(files.stage(stage, seed) / "adapter" / name) != digest:
                raise UserError(
                    f"{files.stage(stage, seed)}/adapter/{name} is not the file on record.", "Train the stage again."
                )
        parent = checkpoint["parent"]
        if parent and sha256_file(files.checkpoint(parent["stage"], seed)) != parent["sha256"]:
            raise UserError(
                f"{files.stage(stage, seed)} was trained from another '{parent['stage']}' than the one there.",
                "Train the stage again.",
            )

"""``provenance.json`` of an adapter: what it is, from its files back to its base and its registered rows.

Made from records alone, and they are held against each other: the adapter and every parent by the hashes of
``checkpoint.json``, the split by that of ``splits.json``, the rows by that of the dataset's own record, and these
against the lines of the registries. So whoever trusts this one file has had the chain checked once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from primum.errors import UserError
from primum.files import read_json, sha256_file
from primum.provenance.governance import inherited, obligations, warnings
from primum.registry import DatasetEntry, ModelEntry
from primum.strict import Identifier, Strict

CHECKPOINT = "checkpoint.json"
TRAINED_WITH = ("config_sha256", "code_sha256", "environment_sha256")


class ProvenanceConfig(Strict):
    """``--config`` of ``write_provenance.py``."""

    study: Identifier
    stage: Identifier
    seed: Annotated[int, Field(ge=0)]
    base: ModelEntry
    dataset: DatasetEntry
    folder: str  # the stage's, relative to the project's
    card: str  # the stage's model card, likewise


def build_provenance(config: ProvenanceConfig, folder: Path, base: Path, splits: Path, rows: Path) -> dict[str, Any]:
    """The content of ``provenance.json``.

    Args:
        config: the stage, and the lines of its base and dataset.
        folder: the stage's folder, among its parents' (``{stage}/seed{n}``).
        base: ``base.json``.
        splits: ``splits.json`` of the study.
        rows: record of the dataset (``source.json``) or of the corpus (``generation.json``).

    Raises:
        UserError: if a record does not fit another, naming both.
    """
    record, model, cut, read = _verified(folder), read_json(base), read_json(splits), read_json(rows)
    _same(folder, {"study": record["study"], "stage": record["stage"], "seed": record["seed"]}, config.model_dump())
    _same(base, model, config.base.model_dump(include={"id", "source", "revision", "licence"}))
    if record["base"] != {"id": model["id"], "sha256": model["sha256"]}:
        raise UserError(f"{folder} was trained on another base than {base} is of.", "Train the stage again.")
    parents = _parents(folder, record)
    chain = [record, *(parent for _, parent in parents)]
    _check_data(config.dataset, chain, (splits, cut), (rows, read))
    stages = [entry["stage"] for entry in reversed(chain)]
    weights = {"path": model["path"], "listing_sha256": model["sha256"], "files": model["files"]}
    written = {key: read[key] for key in ("rows_sha256", "teacher") if key in read}  # a corpus has a teacher
    return {
        "adapter": _adapter(folder, record) | {"folder": config.folder},
        "parents": [_adapter(place, parent) for place, parent in parents],
        "base": config.base.model_dump() | weights,
        "dataset": config.dataset.model_dump() | written,
        "data": record["data"] | {"rows": cut["splits"][record["data"]["split"]]["rows"]},
        "trained_with": {name: record[name] for name in TRAINED_WITH},
        "licence": config.base.licence,
        "obligations": [
            {"of": f"{kind} {entry.id}", "licence": entry.licence, "asks": obligations(entry.licence)}
            for kind, entry in (("base", config.base), ("dataset", config.dataset))
        ],
        "governance": inherited(config.dataset, config.base, stages),
        "warnings": warnings("base", config.base) + warnings("dataset", config.dataset),
        "card": config.card,
    }


def _verified(folder: Path) -> dict[str, Any]:
    """A stage's record, after its adapter's files."""
    record: dict[str, Any] = read_json(folder / CHECKPOINT)
    for name, digest in sorted(record["adapter"].items()):
        if sha256_file(folder / "adapter" / name) != digest:
            raise UserError(f"{folder}/adapter/{name} is not the file on record.", "Train the stage again.")
    return record


def _parents(folder: Path, record: dict[str, Any]) -> list[tuple[Path, dict[str, Any]]]:
    """Folders and records of the stages that one was continued from, the nearest first; none on the base itself."""
    found: list[tuple[Path, dict[str, Any]]] = []
    while parent := record["parent"]:
        place = folder.parent.parent / parent["stage"] / folder.name
        if sha256_file(place / CHECKPOINT) != parent["sha256"]:
            raise UserError(
                f"{folder} was trained from another '{parent['stage']}' than the one there.", "Train the stage again."
            )
        record = _verified(place)
        found.append((place, record))
    return found


def _adapter(folder: Path, record: dict[str, Any]) -> dict[str, Any]:
    """What tells one trained stage from every other."""
    keys = ("study", "stage", "seed", "backend", "method", "steps", "data")
    return {key: record[key] for key in keys} | {
        "checkpoint_sha256": sha256_file(folder / CHECKPOINT),
        "files": record["adapter"],
    }


def _check_data(
    dataset: DatasetEntry,
    chain: list[dict[str, Any]],
    splits: tuple[Path, dict[str, Any]],
    rows: tuple[Path, dict[str, Any]],
) -> None:
    """Stage after stage trained on splits of the registered dataset, which were cut from the rows on record."""
    (cut_file, cut), (file, read) = splits, rows
    for record in chain:
        data = record["data"]
        if data["dataset"] != dataset.id or cut["splits"][data["split"]]["sha256"] != data["sha256"]:
            raise UserError(
                f"Stage '{record['stage']}' was trained on other rows than split '{data['split']}' of {cut_file}.",
                "Train the stage again.",
            )
    if cut["source"] != {"dataset": dataset.id, "rows_sha256": read["rows_sha256"]}:
        raise UserError(f"{cut_file} was not cut from the rows of {file}.", "Let snakemake build the splits again.")
    if dataset.reader != "corpus":  # whose record tells of its teacher
        _same(file, read, dataset.model_dump(include={"id", "reader", "revision", "sha256", "licence"}))


def _same(place: Path, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    for key in sorted(set(found) & set(wanted)):
        if found[key] != wanted[key]:
            raise UserError(
                f"{place} has {key} '{found[key]}', and not '{wanted[key]}' as is registered.",
                "Let snakemake build it again.",
            )

"""The registry of a run: every dataset, base model and adapter of a scale, and what of them is not settled.

Copied from the lines of ``config/*.tsv``, the records of what was read, and the adapters' ``provenance.json``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from primum.files import read_json, sha256_json
from primum.provenance.governance import obligations, warnings
from primum.registry import DatasetEntry, ModelEntry
from primum.strict import Identifier, Strict

COLUMNS = (
    *("kind", "id", "study", "reader", "source", "revision", "sha256", "licence", "purpose", "sensitivity"),
    *("consent", "lineage", "obligations", "warnings"),
)
WEIGHTS = "adapter_model.safetensors"


class RegisteredStudy(Strict):
    """What a study uses."""

    study: Identifier
    dataset: DatasetEntry
    rows: str  # record of the dataset or corpus
    base: ModelEntry | None
    record: str | None  # base.json, where the study trains


class RunRegistryConfig(Strict):
    """``--config`` of ``write_registry.py``."""

    scale: Identifier
    studies: list[RegisteredStudy]
    adapters: list[str]  # provenance.json of each


def build_registry(config: RunRegistryConfig) -> dict[str, Any]:
    """``{"scale", "entries": rows of COLUMNS and more, "warnings"}``: datasets, bases, adapters.

    Raises:
        UserError: if a record is missing.
    """
    datasets: dict[tuple[str, str], dict[str, Any]] = {}
    bases: dict[str, dict[str, Any]] = {}
    found: list[dict[str, str]] = []
    for told in config.studies:
        key = told.dataset.id, read_json(told.rows)["rows_sha256"]
        datasets[key] = _line("dataset", told.dataset, key[1], datasets.get(key), told)
        found += warnings("dataset", told.dataset)
        if told.base and told.record:
            listing = read_json(told.record)["sha256"]
            bases[told.base.id] = _line("base", told.base, listing, bases.get(told.base.id), told)
            found += warnings("base", told.base)
    adapters = [_adapter(read_json(path)) for path in sorted(config.adapters)]
    entries = [*(datasets[key] for key in sorted(datasets)), *(bases[key] for key in sorted(bases)), *adapters]
    once = {sha256_json(warning): warning for warning in found}
    return {
        "scale": config.scale,
        "entries": entries,
        "warnings": sorted(once.values(), key=lambda w: (w["kind"], w["id"], w["key"])),
    }


def as_rows(registry: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of ``registry.csv``."""
    told = [entry | {"study": " ".join(entry["studies"])} for entry in registry["entries"]]
    return [{name: "; ".join(entry[name]) if name == "warnings" else entry[name] for name in COLUMNS} for entry in told]


def _line(
    kind: str, entry: DatasetEntry | ModelEntry, sha256: str, before: dict[str, Any] | None, told: RegisteredStudy
) -> dict[str, Any]:
    """A registered line, with the studies that use it."""
    return entry.model_dump() | {
        "kind": kind,
        "studies": [*(before["studies"] if before else ()), told.study],
        "sha256": sha256,
        "pinned_sha256": entry.sha256,
        "obligations": obligations(entry.licence),
        "warnings": [_said(warning) for warning in warnings(kind, entry)],
    }


def _adapter(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """A trained stage, as its provenance.json has it."""
    adapter = provenance["adapter"]
    return dict(provenance["governance"]) | {
        "kind": "adapter",
        "id": f"{adapter['study']}/{adapter['backend']}/{adapter['stage']}/seed{adapter['seed']}",
        "studies": [adapter["study"]],
        "reader": adapter["backend"],
        "source": adapter["folder"],
        "revision": adapter["checkpoint_sha256"],
        "sha256": adapter["files"][WEIGHTS],
        "licence": provenance["licence"],
        "obligations": " ".join(dict.fromkeys(told["asks"] for told in provenance["obligations"])),
        "warnings": [_said(warning) for warning in provenance["warnings"]],
    }


def _said(warning: Mapping[str, str]) -> str:
    return f"{warning['kind']} {warning['id']}: {warning['key']} unknown, {warning['then']}"

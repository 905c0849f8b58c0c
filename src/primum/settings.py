"""Reads the configuration files: study < scale < overrides, the registries, and the prompts."""

from __future__ import annotations

import csv
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from primum.config import Config, DatasetEntry, ModelEntry, Strict, Study, parse
from primum.errors import UserError


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping; a missing or broken file is a :class:`UserError`."""
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"Configuration file {path} does not exist.", "Check the name of the study or scale.") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not YAML: {error}", "Mend the file.") from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise UserError(f"{path} does not hold a mapping.", "Write 'key: value' lines.")
    return value


def merge(lower: dict[str, Any], upper: dict[str, Any]) -> dict[str, Any]:
    """Deep merge: mappings are merged key by key, everything else is replaced."""
    merged = dict(lower)
    for key, value in upper.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def load_config(values: dict[str, Any]) -> Config:
    """Validate Snakemake's ``config`` dictionary."""
    # What is nested in --config reaches us as text: Snakemake reads it with YAML's base loader.
    nested = {key: _retyped(values[key]) for key in ("seeds", "overrides") if isinstance(values.get(key), dict | list)}
    return parse(Config, values | nested, "config")


def _retyped(value: Any) -> Any:
    """Numbers, flags and nulls that stand as text, as what they are."""
    if isinstance(value, dict):
        return {key: _retyped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_retyped(item) for item in value]
    if not isinstance(value, str):
        return value
    for convert in (int, float):
        with suppress(ValueError):
            return convert(value)
    return {"true": True, "false": False, "null": None}.get(value.lower(), value)


def load_study(root: Path, name: str, config: Config) -> Study:
    """Resolve one study at the configured scale, prompts read in."""
    parse(Config, config.model_dump() | {"studies": [name]}, "config")  # a name with a slash must not become a path
    lower = read_yaml(root / "config" / "studies" / f"{name}.yaml")
    scale = read_yaml(root / "config" / "scales" / f"{config.scale}.yaml")
    values = merge(merge(lower, scale.get(name) or {}), config.overrides.get(name) or {})
    where = f"study '{name}' at scale '{config.scale}'"
    study: Study = parse(Study, values, where)
    settings = dict(study.task_settings)
    for key, value in sorted(settings.items()):
        if key.endswith("_prompt") and isinstance(value, str) and value:
            path = root / "config" / "prompts" / value
            if not path.is_file():
                raise UserError(
                    f"{where}: task_settings.{key} names {path.relative_to(root)}, which does not exist.",
                    "Write the file or mend the name.",
                )
            settings[key] = path.read_text(encoding="utf-8").removesuffix("\n")
    return study.model_copy(update={"task_settings": settings})


def _registry(path: Path, model: type[Strict]) -> dict[str, Any]:
    """Read a tab-separated registry, keyed by id."""
    if not path.is_file():
        raise UserError(f"Registry {path} does not exist.", "Restore it from git.")
    entries: dict[str, Any] = {}
    with path.open(encoding="utf-8", newline="") as handle:
        for number, row in enumerate(csv.DictReader(handle, delimiter="\t"), 2):
            where = f"{path.name} line {number}"
            if None in row or None in row.values():
                raise UserError(
                    f"{where} does not have {len(model.model_fields)} tab-separated fields.",
                    "Write '-' for an empty field.",
                )
            entry = parse(model, row, where)
            if entry.id in entries:
                raise UserError(f"{where}: id '{entry.id}' stands twice.", "Give each entry its own id.")
            entries[entry.id] = entry
    return entries


def load_dataset_entry(root: Path, name: str) -> DatasetEntry:
    """The line of ``config/datasets.tsv`` with this id."""
    return _find(_registry(root / "config" / "datasets.tsv", DatasetEntry), name, "datasets.tsv", "dataset")


def load_model_entry(root: Path, name: str) -> ModelEntry:
    """The line of ``config/models.tsv`` with this id."""
    return _find(_registry(root / "config" / "models.tsv", ModelEntry), name, "models.tsv", "base")


def _find(entries: dict[str, Any], name: str, file: str, key: str) -> Any:
    if name not in entries:
        raise UserError(
            f"No entry '{name}' in config/{file} (key '{key}').",
            f"Use one of {', '.join(sorted(entries))}, or add a line.",
        )
    return entries[name]

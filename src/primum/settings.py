"""Reads the configuration files: study < scale < overrides, and the prompts."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from primum.config import Config, Study, project_root
from primum.errors import UserError
from primum.strict import Strict, parse

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is the same, many times faster


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping; a missing or broken file is a :class:`UserError`."""
    try:
        value = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)
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
    values = _numbers_as_numbers(values)
    config: Config = _parse(Config, values, values, "config")
    for name in config.overrides:
        if not (project_root() / "config" / "studies" / f"{name}.yaml").is_file():
            raise UserError(f"config: 'overrides' names study '{name}', which does not exist.", "Mend its name.")
    return config


def _numbers_as_numbers(value: Any, free: bool = False) -> Any:
    """What a task or a model takes is typed by nobody here: there, a number that came as text is a number."""
    if isinstance(value, dict):
        return {
            key: _numbers_as_numbers(inner, free or key in ("task_settings", "parameters"))
            for key, inner in value.items()
        }
    if free and isinstance(value, list):
        return [_numbers_as_numbers(inner, free) for inner in value]
    if free and isinstance(value, str):
        with suppress(yaml.YAMLError):
            read = yaml.safe_load(value)
            return read if isinstance(read, int | float) else value
    return value


_TYPED = {"int_type": int, "float_type": float, "bool_type": lambda text: {"true": True, "false": False}[text.lower()]}


def _parse(model: type[Strict], values: dict[str, Any], given: dict[str, Any], where: str) -> Any:
    """Validate ``values``; numbers and flags that stand as text in ``given`` are read as what they are meant to be.

    What is nested in ``--config`` reaches us as text: Snakemake reads it with YAML's base loader.
    """
    for _ in range(2):
        try:
            return model.model_validate(values)
        except ValidationError as error:
            for problem in error.errors():
                loc = list(problem["loc"])
                if len(loc) > 2 and loc[0] == "stages":
                    del loc[2]  # pydantic puts the stage's method behind its name
                if (
                    problem["type"] in _TYPED
                    and isinstance(problem["input"], str)
                    and _at(given, loc) == problem["input"]
                ):
                    with suppress(ValueError, KeyError):
                        values = _replaced(values, loc, _TYPED[problem["type"]](problem["input"]))
    return parse(model, values, where)


def _at(value: Any, path: list[Any]) -> Any:
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _replaced(value: Any, path: list[Any], new: Any) -> Any:
    """A copy of nested mappings and lists with ``new`` at ``path``."""
    if not path:
        return new
    copy = list(value) if isinstance(value, list | tuple) else dict(value)
    copy[path[0]] = _replaced(copy[path[0]], path[1:], new)
    return copy


def load_study(root: Path, name: str, config: Config) -> Study:
    """Resolve one study at the configured scale, prompts read in."""
    parse(Config, config.model_dump() | {"studies": [name]}, "config")  # a name with a slash must not become a path
    lower = read_yaml(root / "config" / "studies" / f"{name}.yaml")
    scale = read_yaml(root / "config" / "scales" / f"{config.scale}.yaml")
    over = config.overrides.get(name) or {}
    values = merge(merge(lower, scale.get(name) or {}), over)
    where = f"study '{name}' at scale '{config.scale}'"
    study: Study = _parse(Study, values, over, where)
    settings = _with_prompts(root, study.task_settings, f"{where}: task_settings")
    deployments = {
        name: node.model_copy(
            update={"task_settings": _with_prompts(root, node.task_settings, f"{where}: deployments.{name}")}
        )
        for name, node in study.deployments.items()
    }
    corpus = study.corpus
    if corpus:
        prompts = {
            kind: _prompt(root, name, f"{where}: corpus.prompts.{kind}") for kind, name in corpus.prompts.items()
        }
        corpus = corpus.model_copy(update={"prompts": prompts})
    return study.model_copy(update={"task_settings": settings, "corpus": corpus, "deployments": deployments})


def _with_prompts(root: Path, settings: dict[str, Any], where: str) -> dict[str, Any]:
    """Task settings with the text of the files that they name as prompts."""
    named = {key: value for key, value in settings.items() if key.endswith("_prompt") and value}
    return settings | {
        key: _prompt(root, value, f"{where}.{key}") for key, value in sorted(named.items()) if isinstance(value, str)
    }


def _prompt(root: Path, name: str, where: str) -> str:
    """The text of a file of ``config/prompts``."""
    path = root / "config" / "prompts" / name
    if not path.is_file():
        raise UserError(
            f"{where} names {path.relative_to(root)}, which does not exist.", "Write the file or mend the name."
        )
    try:
        text = path.read_text(encoding="utf-8").removesuffix("\n")
    except UnicodeDecodeError as error:
        raise UserError(f"{path.name} is not UTF-8 text (byte {error.start}).", "Save it as UTF-8.") from None
    if not text.strip():
        raise UserError(f"{where} names {path.name}, which is empty.", "Write the prompt, or leave the name empty.")
    return text

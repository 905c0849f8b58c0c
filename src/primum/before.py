"""The key ``before`` of the main configuration: an older copy of the results, which ``snakemake compare`` holds beside.

Apart from the other keys, because training and data are made with those: what a run is compared with is no part of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from primum import config as keys
from primum.config import Config
from primum.errors import UserError
from primum.settings import load_config
from primum.strict import Strict, parse


class Before(Strict):
    """What a run is compared with."""

    before: str | None = None  # a folder: an older copy of results/{scale}


def load_with_before(root: Path, values: dict[str, Any]) -> tuple[str | None, Config]:
    """Snakemake's ``config`` dictionary, checked: the older results, if any are named, and what decides the run.

    Raises:
        UserError: for whatever is wrong in it; also if the older results are not there.
    """
    known = {key: value for key, value in values.items() if key == "before"}
    read: Before = parse(Before, known, "config")
    config = load_config({key: value for key, value in values.items() if key != "before"})
    if read.before and not (root / read.before / "manifest.json").is_file():
        raise UserError(
            f"config: 'before' is {read.before}, which holds no finished results (no manifest.json).",
            f"Name a copy of results/{config.scale}.",
        )
    return read.before, config


def needed(before: str | None) -> str:
    """The older results' manifest, for the rule that compares; :class:`UserError` if none are named."""
    if before is None:
        raise UserError(
            "There is nothing to compare with: 'before' is not set.", "Add --config before=<an older copy of results>."
        )
    return f"{before}/manifest.json"


def schema() -> dict[str, Any]:
    """:func:`primum.config.schema` with this key."""
    whole = keys.schema()
    whole["config"]["properties"] |= Before.model_json_schema()["properties"]
    return whole

"""The fields of a record, by path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def fields(record: Mapping[str, Any], within: str = "") -> dict[str, Any]:
    """Values that are no mappings, by the keys that lead to them (``assessment/urgency``); lists are values."""
    found: dict[str, Any] = {}
    for key, value in record.items():
        found |= fields(value, f"{within}{key}/") if isinstance(value, Mapping) else {f"{within}{key}": value}
    return found

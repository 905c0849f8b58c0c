"""The pinned packages of environment files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import yaml


def read_pins(text: str) -> list[tuple[str, str]]:
    """``(package, version)`` of every exact pip pin in a conda environment file, in its order."""
    dependencies = yaml.safe_load(text)["dependencies"]
    pins = [pin for item in dependencies if isinstance(item, dict) for pin in item.get("pip", [])]
    return [(name, version) for name, version in (pin.split("==") for pin in pins)]


def packages(files: Iterable[Path]) -> dict[tuple[str, str], list[str]]:
    """``{(package, version): names of the environments that pin it}``, sorted."""
    found: dict[tuple[str, str], list[str]] = {}
    for file in sorted(files):
        for pin in read_pins(file.read_text(encoding="utf-8")):
            found.setdefault(pin, []).append(file.stem)
    return dict(sorted(found.items()))

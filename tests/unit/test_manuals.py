"""The manuals keep up: every configuration key is explained, and every path of the README's tree exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from primum.aside import schema
from primum.config import project_root
from primum.tasks.grounded_answer import GroundedAnswer
from primum.tasks.medmcqa import MedMCQA

ROOT = project_root()


def keys(node: Any) -> Iterator[str]:
    """Names of all properties in a JSON schema, definitions included."""
    if isinstance(node, dict):
        properties = node.get("properties")
        if isinstance(properties, dict):
            yield from properties
        for value in node.values():
            yield from keys(value)
    elif isinstance(node, list):
        for value in node:
            yield from keys(value)


def test_every_key_stands_in_the_manual() -> None:
    manual = (ROOT / "config" / "README.md").read_text(encoding="utf-8")
    # Names in code marks, those of paths like `stages.{name}` included.
    named = {word for mark in re.findall(r"`([^`\n]+)`", manual) for word in re.findall(r"[a-z][a-z0-9_]*", mark)}
    wanted = {*keys(schema()), *MedMCQA.settings_fields, *GroundedAnswer.settings_fields}
    assert len(wanted) > 50
    assert sorted(wanted - named) == []


def test_every_path_of_the_readme_exists() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    tree = readme.split("## Where things are")[1].split("```")[1]
    folder, found = "", 0
    for line in filter(None, tree.splitlines()):
        names = re.split(r" {2,}", line.strip())[0]
        top = not line.startswith(" ")
        for name in names.split(", "):
            matches = sorted(ROOT.glob((name if top else f"{folder}{name}").rstrip("/")))
            assert matches, f"README.md names {name}, which does not exist"
            found += len(matches)
        folder = names if top and names.endswith("/") else "" if top else folder
    assert found > 30


def test_links_between_manuals_lead_somewhere() -> None:
    for path in [ROOT / "README.md", ROOT / "config" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
            assert target.startswith("https://") or (path.parent / target).exists(), f"{path.name}: {target}"

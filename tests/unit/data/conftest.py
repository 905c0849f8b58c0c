"""A small bank, records in MedMCQA's columns, and the scripts' command lines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from primum.config import project_root

ROOT = project_root()
TOPICS = ("iron", "zinc", "copper", "lead", "gold", "silver", "tin", "neon", "argon", "radon", "boron", "iodine")


@pytest.fixture
def bank_files() -> tuple[list[list[str]], dict[str, Any]]:
    """Rows of facts.tsv and content of relations.yaml: two relations of 16 facts each."""
    facts = [["relation", "entity", "value", "also_true"]]
    for relation in ("first_sign", "second_sign"):
        facts += [[relation, f"entity {chr(97 + i)}", f"value {chr(97 + i)}{chr(97 + i)}", ""] for i in range(16)]
    told = {
        "subject": "Medicine",
        "value_kind": "sign",
        "explanation": "The sign of {entity} is {value}.",
        "stems": [f"Question wording {i} about {{entity}}?" for i in range(9)],
        "statements": [f"Wording {i}: {{entity}} shows {{value}}." for i in range(4)],
    }
    return facts, {"first_sign": told, "second_sign": told | {"subject": "Surgery"}}


@pytest.fixture
def write_bank(tmp_path: Path) -> Callable[[list[list[str]], dict[str, Any]], Path]:
    """Writes a bank's two files and returns their folder."""

    def write(facts: list[list[str]], relations: dict[str, Any]) -> Path:
        folder = tmp_path / "bank"
        folder.mkdir(exist_ok=True)
        (folder / "facts.tsv").write_text("".join("\t".join(row) + "\n" for row in facts), encoding="utf-8")
        (folder / "relations.yaml").write_text(yaml.safe_dump(relations), encoding="utf-8")
        return folder

    return write


@pytest.fixture
def records() -> Callable[..., list[dict[str, Any]]]:
    """Makes records in MedMCQA's columns: unlike each other, all four letters in turn."""

    def make(count: int, base: int = 0, prefix: str = "q") -> list[dict[str, Any]]:
        made = []
        for i in range(count):
            topic = f"{TOPICS[i % 12]} {prefix}{i}"
            made.append(
                {
                    "id": f"{prefix}{i}",
                    "question": f"What is known of {topic} in case {i * 7} — naïve β-test?",
                    **{f"op{letter}": f"{letter}{i} {prefix} option {i * 3}" for letter in "abcd"},
                    "cop": i % 4 + base,
                    "exp": f"Ans. {'abcd'[i % 4]}. Because of {topic}" if i % 2 else None,
                    "subject_name": "Medicine" if i % 3 else "Surgery",
                }
            )
        return made

    return make


@pytest.fixture
def script() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a script of the project as a rule does, from the project's folder."""

    def run(name: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        kept = {key: os.environ[key] for key in ("PATH", "HOME", "TMPDIR") if key in os.environ}
        return subprocess.run(
            [sys.executable, f"scripts/{name}.py", *arguments],
            cwd=ROOT,
            env=kept | {"PYTHONPATH": "src", "PYTHONHASHSEED": "0"} | environment,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


@pytest.fixture
def entry() -> Callable[..., str]:
    """A registry line as JSON."""

    def make(**changes: str) -> str:
        line = {"id": "some", "reader": "file", "source": "", "revision": "-", "sha256": "-", "answer_base": "0"}
        return json.dumps(line | {"columns": "medmcqa", "licence": "MIT", "note": "-"} | changes)

    return make

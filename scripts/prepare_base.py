"""Fetch, verify and, where needed, convert a base model of config/models.tsv."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from primum.bases.prepare import prepare_base
from primum.config import project_root
from primum.errors import run_cli
from primum.registry import ModelSource
from primum.strict import parse


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entry", required=True, help="line of the registry, as JSON")
    parser.add_argument("--output", required=True, type=Path, help="folder for base.json and model/")
    arguments = parser.parse_args()
    entry = parse(ModelSource, json.loads(arguments.entry), "models.tsv")
    base = prepare_base(project_root(), entry, arguments.output.resolve())
    print(f"base {base['id']}: {base['path']}, sha256 {str(base['sha256'])[:12]}")


if __name__ == "__main__":
    run_cli(main)

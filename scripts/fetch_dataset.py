"""Read a dataset of config/datasets.tsv, verify it, and write its rows in the project's one layout."""

import argparse
import json
from pathlib import Path

from primum.config import project_root
from primum.data.readers import fetch_dataset
from primum.errors import run_cli
from primum.registry import DatasetSource
from primum.strict import parse


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entry", type=json.loads, required=True, help="line of the registry, as JSON")
    parser.add_argument("--output", type=Path, required=True, help="folder for rows.jsonl and source.json")
    args = parser.parse_args()
    entry = parse(DatasetSource, args.entry, "datasets.tsv")
    source = fetch_dataset(project_root(), entry, args.output)
    rows, digest = source["rows"], source["rows_sha256"]
    print(f"dataset {entry.id}: {rows['train']} training, {rows['validation']} validation rows, sha256 {digest[:12]}")


if __name__ == "__main__":
    run_cli(main)

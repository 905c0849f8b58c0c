"""Shuffle a dataset's rows, cut the study's splits, and check them: every row, and every pair across splits."""

import argparse
import json
from pathlib import Path

from primum.data.splits import SplitsConfig, build_splits
from primum.errors import run_cli
from primum.strict import parse


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=json.loads, required=True, help="JSON: see primum.data.splits.SplitsConfig")
    parser.add_argument("--rows", type=Path, required=True, help="rows.jsonl of the dataset")
    parser.add_argument("--output", type=Path, required=True, help="folder for {split}.jsonl and splits.json")
    args = parser.parse_args()
    summary = build_splits(parse(SplitsConfig, args.config, "build_splits --config"), args.rows, args.output)
    for name, split in summary["splits"].items():
        print(f"{summary['study']}: {name}: {split['rows']} rows, answers {split['answers']}")
    print(f"{summary['study']}: {len(summary['leaks'])} leak(s), {len(summary['dropped'])} row(s) dropped")
    if doubled := summary["right_option_twice"]:
        print(f"{summary['study']}: the right option stands twice in {len(doubled)} row(s); see splits.json")


if __name__ == "__main__":
    run_cli(main)

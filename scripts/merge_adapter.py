"""Merge a stage's adapter into its base, for release -> model/ and, last, merged.json."""

import argparse
from pathlib import Path

from primum.errors import run_cli
from primum.training.merge import merge_adapter


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, required=True, help="base.json")
    parser.add_argument("--checkpoint", type=Path, required=True, help="folder of the stage")
    parser.add_argument("--output", type=Path, required=True, help="folder to write")
    parser.add_argument("--card", type=Path, help="the stage's model card, to go with the model")
    args = parser.parse_args()
    merge_adapter(Path("."), args.base, args.checkpoint, args.output, args.card)


if __name__ == "__main__":
    run_cli(main)

"""Tokens and estimated operations of every stage of a study -> compute.json."""

import argparse
from pathlib import Path

from primum.errors import run_cli
from primum.files import read_json, write_json
from primum.training.loading import load_tokenizer
from primum.training.tokens import count_stages


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoints", type=Path, nargs="+", required=True, help="checkpoint.json of every stage")
    parser.add_argument("--base", type=Path, required=True, help="base.json")
    parser.add_argument("--data", type=Path, required=True, help="folder of the split files")
    parser.add_argument("--output", type=Path, required=True, help="compute.json")
    args = parser.parse_args()
    base = read_json(args.base)
    found = count_stages(args.checkpoints, base, Path(base["path"]), args.data, load_tokenizer(base))
    write_json(args.output, found)
    for row in found["stages"]:
        print(f"{row['stage']} seed {row['seed']}: {row['tokens_trained']} tokens trained on")


if __name__ == "__main__":
    run_cli(main)

"""A study's split files -> croissant.json."""

import argparse
from pathlib import Path

from primum.data.croissant import describe_splits
from primum.errors import run_cli
from primum.files import write_json


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", required=True)
    parser.add_argument("--title", required=True)
    parser.add_argument("--licence", required=True, help="of the rows, as an SPDX name")
    parser.add_argument("--splits", type=Path, nargs="+", required=True, help="{split}.jsonl files of one folder")
    parser.add_argument("--output", type=Path, required=True, help="croissant.json, beside them")
    args = parser.parse_args()
    folder, names = args.output.parent, sorted(path.stem for path in args.splits)
    write_json(args.output, describe_splits(args.study, args.title, args.licence, folder, names))
    print(f"{args.study}: {', '.join(names)}")


if __name__ == "__main__":
    run_cli(main)

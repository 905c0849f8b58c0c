"""Two folders of results, the older first: what changed, and is it significant -> comparison.json and .csv."""

import argparse
from pathlib import Path

from primum.errors import run_cli
from primum.evaluation.console import to_csv
from primum.evaluation.older import Results
from primum.evaluation.versus import COLUMNS, compare_results, told
from primum.files import write_json, write_text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("before", type=Path, help="an older copy of results/{scale}")
    parser.add_argument("after", type=Path, help="results/{scale}")
    parser.add_argument("--output", type=Path, help="folder for both files; that of 'after' unless given")
    args = parser.parse_args()
    found = compare_results(Results(args.before), Results(args.after))
    output = args.output or args.after
    write_text(output / "comparison.csv", to_csv(COLUMNS, found["metrics"]))
    write_json(output / "comparison.json", found)
    print(told(found))


if __name__ == "__main__":
    run_cli(main)

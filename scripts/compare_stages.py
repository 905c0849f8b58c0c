"""Stages against base, parent, baselines and published numbers -> eval_results.json, tables/*.csv, a console table."""

import argparse
import json
from pathlib import Path

from primum.errors import run_cli
from primum.evaluation.compare import COLUMNS, CompareConfig, compare
from primum.evaluation.console import summary, to_csv
from primum.files import write_json, write_text
from primum.strict import parse


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--config", type=json.loads, required=True, help="JSON: see primum.evaluation.compare.CompareConfig"
    )
    parser.add_argument("--eval", type=Path, required=True, help="results/{scale}/{study}/eval/{backend}")
    parser.add_argument("--data", type=Path, required=True, help="folder of the split files")
    parser.add_argument("--output", type=Path, required=True, help="folder for eval_results.json and tables/")
    args = parser.parse_args()
    results = compare(parse(CompareConfig, args.config, "compare_stages --config"), args.eval, args.data)
    for name, columns in COLUMNS.items():
        write_text(args.output / "tables" / f"{name}.csv", to_csv(columns, results[name]))
    write_json(args.output / "eval_results.json", results)
    print(summary(results))


if __name__ == "__main__":
    run_cli(main)

"""The original studies' claims, tested with their own numbers, this run's beside them -> claims.json and claims.csv."""

import argparse
import json
from pathlib import Path

from primum.errors import run_cli
from primum.evaluation.claims import COLUMNS, REGISTRY, claim_rows, read_claims
from primum.evaluation.console import to_csv
from primum.evaluation.published import FOLDER
from primum.files import read_json, sha256_file, write_json, write_text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--results", type=json.loads, required=True, help="JSON: original study -> eval_results.json that stands for it"
    )
    parser.add_argument("--output-json", type=Path, required=True, help="claims.json")
    parser.add_argument("--output-csv", type=Path, required=True, help="claims.csv")
    args = parser.parse_args()
    claims, numbers = read_claims()
    rows = claim_rows(claims, numbers, {name: read_json(Path(path)) for name, path in sorted(args.results.items())})
    write_text(args.output_csv, to_csv(COLUMNS, rows))
    sources = [REGISTRY, *(FOLDER / f"{study}.tsv" for study in numbers), *map(Path, args.results.values())]
    write_json(args.output_json, {"claims": rows, "inputs": {path.as_posix(): sha256_file(path) for path in sources}})
    for row in rows:
        print(
            f"{row['claim']}: {row['verdict']} ({row['why']})"
            + (f"; ours: {row['our_verdict']}" if row["our_verdict"] else "")
        )


if __name__ == "__main__":
    run_cli(main)

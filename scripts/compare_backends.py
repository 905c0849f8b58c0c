"""Both backends' steps against the reference and each other -> parity.csv; an error if they do not compute the same."""

import argparse
from pathlib import Path

from primum.errors import run_cli
from primum.evaluation.console import to_csv
from primum.files import write_text
from primum.parity.report import BACKENDS, COLUMNS, check, compare, read_side


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--probes", type=Path, nargs="*", required=True, help="each study's folder, with {trl,tunix,plain}.{json,npz}"
    )
    parser.add_argument("--output", type=Path, required=True, help="parity.csv")
    args = parser.parse_args()
    rows = [
        row for folder in args.probes for row in compare(*(read_side(folder, side) for side in (*BACKENDS, "plain")))
    ]
    write_text(args.output, to_csv(COLUMNS, rows))
    for row in rows:
        print(" · ".join(str(row[column]) for column in ("study", "quantity", "difference", "ok")))
    check(rows)


if __name__ == "__main__":
    run_cli(main)

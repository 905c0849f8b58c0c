"""A split's rows with the patient's other sex, and with another age -> swapped.jsonl and swaps.json."""

import argparse
import json
from pathlib import Path

from primum.audits.swaps import RECORD, ROWS, swap_rows
from primum.errors import run_cli
from primum.files import read_jsonl, write_json, write_jsonl
from primum.tasks import load_task
from primum.tasks.base import Example


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=json.loads, required=True, help="JSON: study, task, task_settings")
    parser.add_argument("--data", type=Path, required=True, help="{split}.jsonl")
    parser.add_argument("--output", type=Path, required=True, help="folder for swapped.jsonl and swaps.json")
    args = parser.parse_args()
    task = load_task(args.config["task"], args.config["task_settings"])
    lines, record = swap_rows(task, map(Example.from_row, read_jsonl(args.data)))
    write_jsonl(args.output / ROWS, lines)
    write_json(args.output / RECORD, record)
    for swap, found in record.items():
        print(f"{args.config['study']} {swap}: {found['swapped']} of {found['rows']} rows; {found['status']}")


if __name__ == "__main__":
    run_cli(main)

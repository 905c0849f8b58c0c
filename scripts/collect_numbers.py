"""Every number that reports may state, with the file, hash and place it stands at -> numbers.json."""

import argparse
import json
from pathlib import Path

from primum.errors import run_cli
from primum.files import write_json
from primum.reports.collect import collect
from primum.reports.sources import ReportConfig
from primum.strict import parse


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--config", type=json.loads, required=True, help="JSON: see primum.reports.sources.ReportConfig"
    )
    parser.add_argument("--results", type=Path, required=True, help="results/{scale}")
    parser.add_argument("--output", type=Path, required=True, help="numbers.json")
    args = parser.parse_args()
    entries = collect(parse(ReportConfig, args.config, "collect_numbers --config"), args.results)
    write_json(args.output, entries)
    print(f"{len(entries)} numbers from {len({entry['file'] for entry in entries.values()})} files")


if __name__ == "__main__":
    run_cli(main)

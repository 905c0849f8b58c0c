"""The dataset card of one study, in the Hub's format."""

import argparse
import json
from pathlib import Path

from primum.errors import run_cli
from primum.reports.dataset_card import write_dataset_card
from primum.reports.sources import StudyReport
from primum.strict import parse


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=json.loads, required=True, help="JSON: see primum.reports.sources.StudyReport")
    parser.add_argument("--numbers", type=Path, required=True, help="numbers.json")
    parser.add_argument("--results", type=Path, required=True, help="results/{scale}")
    parser.add_argument("--output", type=Path, required=True, help="dataset.md")
    args = parser.parse_args()
    study = parse(StudyReport, args.config, "write_dataset_card --config")
    write_dataset_card(study, args.numbers, args.results, args.output)
    print(args.output)


if __name__ == "__main__":
    run_cli(main)

"""The paper as PDF, every number of it from numbers.json."""

import argparse
import json
from pathlib import Path

from primum.errors import run_cli
from primum.reports.document import open_document
from primum.reports.paper import write_paper
from primum.reports.sources import ReportConfig
from primum.strict import parse


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--config", type=json.loads, required=True, help="JSON: see primum.reports.sources.ReportConfig"
    )
    parser.add_argument("--numbers", type=Path, required=True, help="numbers.json")
    parser.add_argument("--results", type=Path, required=True, help="results/{scale}")
    parser.add_argument("--output", type=Path, required=True, help="paper.pdf")
    args = parser.parse_args()
    config = parse(ReportConfig, args.config, "build_paper --config")
    write_paper(open_document(config, args.results, args.numbers), args.results / "paper" / "figures", args.output)
    print(args.output)


if __name__ == "__main__":
    run_cli(main)

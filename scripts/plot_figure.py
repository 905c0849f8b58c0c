"""One figure of one study, as SVG and PNG."""

import argparse
import json
from pathlib import Path

from primum.errors import run_cli
from primum.reports.catalogue import FIGURES
from primum.reports.figures import plot
from primum.reports.sources import StudyReport
from primum.strict import parse


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--figure", choices=FIGURES, required=True)
    parser.add_argument("--config", type=json.loads, required=True, help="JSON: see primum.reports.sources.StudyReport")
    parser.add_argument(
        "--inputs", type=Path, nargs="+", required=True, help="eval_results.json and train_log.jsonl files"
    )
    parser.add_argument("--output-svg", type=Path, required=True)
    parser.add_argument("--output-png", type=Path, required=True)
    args = parser.parse_args()
    study = parse(StudyReport, args.config, "plot_figure --config")
    plot(args.figure, study, args.inputs, args.output_svg, args.output_png)
    print(f"{study.study}: {args.figure}")


if __name__ == "__main__":
    run_cli(main)

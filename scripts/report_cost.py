"""Energy and cost by rule and stage, estimated from Snakemake's benchmarks -> cost.csv and cost.md."""

import argparse
import json
from pathlib import Path

from primum.aside import Energy
from primum.errors import run_cli
from primum.evaluation.console import to_csv
from primum.files import write_text
from primum.provenance.cost import COLUMNS, cost_rows, read_measurements
from primum.provenance.cost_report import cost_report
from primum.provenance.power import read_power
from primum.reports.sources import ReportConfig
from primum.strict import parse


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--config", type=json.loads, required=True, help="JSON: see primum.reports.sources.ReportConfig"
    )
    parser.add_argument("--energy", type=json.loads, required=True, help="JSON: see primum.aside.Energy")
    parser.add_argument("--benchmarks", type=Path, required=True, help="results/{scale}/benchmarks")
    parser.add_argument("--output-csv", type=Path, required=True, help="cost.csv")
    parser.add_argument("--output-md", type=Path, required=True, help="cost.md")
    args = parser.parse_args()
    energy = parse(Energy, args.energy, "report_cost --energy")
    jobs, others = read_measurements(parse(ReportConfig, args.config, "report_cost --config"), args.benchmarks)
    power = read_power(energy)
    rows = cost_rows(jobs, power, energy.price_per_hour)
    write_text(args.output_csv, to_csv(COLUMNS, rows))
    write_text(args.output_md, cost_report(rows, power, energy.price_per_hour, others))
    total = rows[-1]
    print(f"{total['jobs']} jobs, {total['energy_wh']} Wh, {total['co2e_g']} g CO2e (estimated)")


if __name__ == "__main__":
    run_cli(main)

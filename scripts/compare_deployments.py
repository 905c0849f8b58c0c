"""Deployments beside what they were made of, stages beside prompts -> deployments.json, tables/deployment_*.csv."""

import argparse
import json
from pathlib import Path

from primum.errors import run_cli
from primum.evaluation.console import to_csv
from primum.evaluation.deployments import COLUMNS, DeploymentsConfig, compare_deployments
from primum.files import write_json, write_text
from primum.strict import parse


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--config", type=json.loads, required=True, help="JSON: see primum.evaluation.deployments.DeploymentsConfig"
    )
    parser.add_argument("--backend", required=True, help="who trained: eval and deployments lie below its name")
    parser.add_argument("--folder", type=Path, required=True, help="results/{scale}/{study}")
    args = parser.parse_args()
    config = parse(DeploymentsConfig, args.config, "compare_deployments --config")
    evaluations, deployed = (args.folder / part / args.backend for part in ("eval", "deployments"))
    results = compare_deployments(config, evaluations, deployed, args.folder / "data")
    for name, columns in COLUMNS.items():
        write_text(args.folder / "tables" / f"{name}.csv", to_csv(columns, results[name]))
    write_json(args.folder / "deployments.json", results)
    for row in results["deployment_comparisons"]:
        if row["split"] == config.splits[0] and row["metric"] in results["key_metrics"]:
            print(row["in_words"])


if __name__ == "__main__":
    run_cli(main)

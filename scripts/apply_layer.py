"""Predictions behind the task's safety layer -> predictions.jsonl with what was said and every correction."""

import argparse
import json
from pathlib import Path

from primum.errors import run_cli
from primum.evaluation.deployments import layer_predictions
from primum.files import read_jsonl, write_jsonl


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=json.loads, required=True, help="JSON: study, task and task_settings")
    parser.add_argument("--predictions", type=Path, required=True, help="predictions.jsonl of what the layer is put on")
    parser.add_argument("--output", type=Path, required=True, help="predictions.jsonl")
    args = parser.parse_args()
    rows = layer_predictions(args.config["task"], args.config["task_settings"], read_jsonl(args.predictions))
    write_jsonl(args.output, rows)
    corrected = sum(bool(row["corrections"]) for row in rows)
    print(f"{args.config['study']}: the safety layer corrected {corrected} of {len(rows)} answers")


if __name__ == "__main__":
    run_cli(main)

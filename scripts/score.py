"""One verdict a prediction -> scores.jsonl; rates, permutation, calibration, subgroups -> metrics.json."""

import argparse
import json
from pathlib import Path

from primum.errors import run_cli
from primum.evaluation.score import ScoreConfig, score_predictions
from primum.files import read_jsonl, sha256_file, write_json, write_jsonl
from primum.strict import parse


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--config", type=json.loads, required=True, help="JSON: see primum.evaluation.score.ScoreConfig"
    )
    parser.add_argument("--data", type=Path, required=True, help="{split}.jsonl")
    parser.add_argument("--predictions", type=Path, required=True, help="predictions.jsonl")
    parser.add_argument("--output", type=Path, required=True, help="folder for scores.jsonl and metrics.json")
    args = parser.parse_args()
    config = parse(ScoreConfig, args.config, "score --config")
    scores, metrics = score_predictions(config, read_jsonl(args.data), read_jsonl(args.predictions))
    inputs = {"data": sha256_file(args.data), "predictions": sha256_file(args.predictions)}
    write_jsonl(args.output / "scores.jsonl", scores)
    write_json(args.output / "metrics.json", {**metrics, "split": args.data.stem, "sha256": inputs})


if __name__ == "__main__":
    run_cli(main)

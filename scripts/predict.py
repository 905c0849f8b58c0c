"""Greedy completions and letter log-likelihoods of one stage on one split -> predictions.jsonl."""

import argparse
import json
from pathlib import Path

from primum.errors import run_cli
from primum.evaluation.predict import PredictConfig, predict
from primum.files import read_json, read_jsonl, write_jsonl
from primum.strict import parse


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--config", type=json.loads, required=True, help="JSON: see primum.evaluation.predict.PredictConfig"
    )
    parser.add_argument("--base", type=Path, required=True, help="base.json")
    parser.add_argument("--checkpoint", type=Path, help="folder of the stage; without it, the bare base predicts")
    parser.add_argument("--data", type=Path, required=True, help="{split}.jsonl")
    parser.add_argument("--output", type=Path, required=True, help="predictions.jsonl")
    args = parser.parse_args()
    config = parse(PredictConfig, args.config, "predict --config")
    lines = predict(config, Path("."), read_json(args.base), args.checkpoint, read_jsonl(args.data))
    write_jsonl(args.output, lines)


if __name__ == "__main__":
    run_cli(main)

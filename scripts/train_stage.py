"""Train one stage, or go on where a killed run stopped -> adapter/, train_log.jsonl and, last, checkpoint.json."""

import argparse
import json
import os
from pathlib import Path

from primum.errors import run_cli
from primum.strict import parse
from primum.training.base import TrainJob, train_stage


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=json.loads, required=True, help="JSON: see primum.training.base.TrainJob")
    parser.add_argument("--base", type=Path, required=True, help="base.json")
    parser.add_argument("--data", type=Path, required=True, help="{split}.jsonl")
    parser.add_argument("--parent", type=Path, help="folder of the parent stage, unless that is the base")
    parser.add_argument("--reference", type=Path, help="folder of the stage that a continued curriculum began from")
    parser.add_argument("--blocks", type=Path, nargs="+", default=[], help="rollback: folders to choose among")
    parser.add_argument("--metrics", type=Path, nargs="+", default=[], help="rollback: metrics.json of each block")
    parser.add_argument("--gate", type=Path, required=True, help="rewards_check.json of this data and reward table")
    parser.add_argument(
        "--state", type=Path, required=True, help="folder for saved steps; a finished job leaves nothing there"
    )
    parser.add_argument("--output", type=Path, required=True, help="the stage's folder")
    args = parser.parse_args()
    # A viewer is no part of the result: it is chosen by the environment, so that switching it on reruns nothing.
    logger = os.environ.get("PRIMUM_LOGGER", "none")
    job = parse(TrainJob, args.config | {"logger": logger}, "train_stage --config")
    rollback = list(zip(args.blocks, args.metrics, strict=True))
    train_stage(
        job, Path("."), args.base, args.data, args.parent, args.reference, args.gate, args.state, args.output, rollback
    )


if __name__ == "__main__":
    run_cli(main)

"""One side's loss and gradient of one training step -> {side}.json, {side}.npz."""

import argparse
import json
from pathlib import Path

from primum.errors import UserError, run_cli
from primum.parity.cases import ParityConfig
from primum.parity.probe import probe
from primum.strict import parse


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", choices=("trl", "tunix", "plain"), required=True, help="plain: the reference")
    parser.add_argument("--config", type=json.loads, required=True, help="JSON: see primum.parity.cases.ParityConfig")
    parser.add_argument("--base", type=Path, required=True, help="base.json")
    parser.add_argument("--stage", type=Path, required=True, help="folder of the stage whose adapter is the policy")
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True, help="rows of each job's split, by the order of names"
    )
    parser.add_argument("--output", type=Path, required=True, help="folder")
    args = parser.parse_args()
    config = parse(ParityConfig, args.config, "probe_backend --config")
    if len(args.data) != len(config.jobs):
        raise UserError(f"{len(args.data)} files for {len(config.jobs)} jobs.", "Give --data one file a job.")
    data = dict(zip(sorted(config.jobs), args.data, strict=True))
    probe(config, args.side, Path("."), args.base, args.stage, data, args.output)


if __name__ == "__main__":
    run_cli(main)

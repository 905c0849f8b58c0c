"""Gold answers must earn full marks on every row, cheap policies less than honest ones -> rewards_check.json."""

import argparse
import json
from pathlib import Path

from primum.errors import run_cli
from primum.files import write_json
from primum.strict import parse
from primum.training.gate import RewardsConfig, build_gate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=json.loads, required=True, help="JSON: see primum.training.gate.RewardsConfig")
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True, help="{split}.jsonl of every split that is trained on"
    )
    parser.add_argument("--output", type=Path, required=True, help="rewards_check.json")
    args = parser.parse_args()
    gate = build_gate(parse(RewardsConfig, args.config, "check_rewards --config"), args.data)
    write_json(args.output, gate)
    for name, table in gate["tables"].items():
        best, paid = max((mean, policy) for policy, mean in table["policies"].items())
        print(
            f"table '{name}': gold earns {table['honest']:.2f} a row; best policy that knows nothing: {paid} {best:.2f}"
        )
        if table["exploits"]:
            policies = sorted({exploit["policy"] for exploit in table["exploits"]})
            print(f"table '{name}': KNOWN EXPLOITS, reported and not refused: {', '.join(policies)}")


if __name__ == "__main__":
    run_cli(main)

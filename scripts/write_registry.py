"""Every dataset, base model and adapter of a scale, and what of them is not settled -> registry.json, registry.csv."""

import argparse
import json
from pathlib import Path

from primum.errors import run_cli
from primum.evaluation.console import to_csv
from primum.files import write_json, write_text
from primum.provenance.run_registry import COLUMNS, RunRegistryConfig, as_rows, build_registry
from primum.strict import parse


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--config", type=json.loads, required=True, help="JSON: see primum.provenance.run_registry.RunRegistryConfig"
    )
    parser.add_argument("--output-json", type=Path, required=True, help="registry.json")
    parser.add_argument("--output-csv", type=Path, required=True, help="registry.csv")
    args = parser.parse_args()
    registry = build_registry(parse(RunRegistryConfig, args.config, "write_registry --config"))
    write_text(args.output_csv, to_csv(COLUMNS, as_rows(registry)))
    write_json(args.output_json, registry)
    for warning in registry["warnings"]:
        print(f"{warning['kind']} {warning['id']}: {warning['key']} is {warning['says']} ({warning['then']})")
    print(f"{len(registry['entries'])} entries, {len(registry['warnings'])} warning(s)")


if __name__ == "__main__":
    run_cli(main)

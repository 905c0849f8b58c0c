"""What an adapter is, from its files back to base and rows, and its card -> provenance.json and adapter/README.md."""

import argparse
import json
from pathlib import Path

from primum.errors import run_cli
from primum.files import write_json, write_text
from primum.provenance.adapter_card import adapter_card
from primum.provenance.adapters import ProvenanceConfig, build_provenance
from primum.strict import parse


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--config", type=json.loads, required=True, help="JSON: see primum.provenance.adapters.ProvenanceConfig"
    )
    parser.add_argument("--stage", type=Path, required=True, help="folder of checkpoint.json")
    parser.add_argument("--base", type=Path, required=True, help="base.json")
    parser.add_argument("--splits", type=Path, required=True, help="splits.json")
    parser.add_argument("--rows", type=Path, required=True, help="source.json or generation.json")
    parser.add_argument("--output", type=Path, required=True, help="provenance.json")
    parser.add_argument("--output-card", type=Path, required=True, help="adapter/README.md")
    args = parser.parse_args()
    config = parse(ProvenanceConfig, args.config, "write_provenance --config")
    provenance = build_provenance(config, args.stage, args.base, args.splits, args.rows)
    write_text(args.output_card, adapter_card(provenance))
    write_json(args.output, provenance)
    print(f"{args.output}: {provenance['governance']['lineage']}, {len(provenance['warnings'])} warning(s)")


if __name__ == "__main__":
    run_cli(main)

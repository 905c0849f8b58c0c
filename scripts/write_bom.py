"""Base models, adapters, data and packages of a scale, as a CycloneDX bill of materials -> mlbom.json."""

import argparse
import json
from pathlib import Path

from primum.errors import run_cli
from primum.files import write_json
from primum.provenance.bom import BomConfig, build_bom
from primum.strict import parse


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=json.loads, required=True, help="JSON: see primum.provenance.bom.BomConfig")
    parser.add_argument("--environments", type=Path, nargs="+", required=True, help="environment files")
    parser.add_argument("--results", type=Path, required=True, help="results/{scale}")
    parser.add_argument("--output", type=Path, required=True, help="mlbom.json")
    args = parser.parse_args()
    document = build_bom(parse(BomConfig, args.config, "write_bom --config"), args.results, args.environments)
    write_json(args.output, document)
    kinds = [component["type"] for component in document["components"]]
    print(", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds))))


if __name__ == "__main__":
    run_cli(main)

"""sha256 of every published artefact of a scale, and of its inputs -> manifest.json."""

import argparse
import json
from pathlib import Path

from primum.errors import run_cli
from primum.files import write_json
from primum.reports.manifest import build_manifest
from primum.reports.sources import ReportConfig
from primum.strict import parse


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--config", type=json.loads, required=True, help="JSON: see primum.reports.sources.ReportConfig"
    )
    parser.add_argument("--results", type=Path, required=True, help="results/{scale}")
    parser.add_argument("--output", type=Path, required=True, help="manifest.json")
    args = parser.parse_args()
    manifest = build_manifest(parse(ReportConfig, args.config, "write_manifest --config"), args.results)
    write_json(args.output, manifest)
    print(f"{len(manifest['artefacts'])} artefacts, {len(manifest['inputs'])} inputs")


if __name__ == "__main__":
    run_cli(main)

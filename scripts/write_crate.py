"""Every published file of a scale and every job that led to it, as a Process Run Crate -> ro-crate-metadata.json."""

import argparse
from pathlib import Path

from primum.errors import run_cli
from primum.files import write_json
from primum.provenance.crate import build_crate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", required=True, help="results/{scale}, relative to the project's folder")
    parser.add_argument("--title", required=True, help="what the crate is called")
    parser.add_argument("--output", type=Path, required=True, help="ro-crate-metadata.json")
    args = parser.parse_args()
    crate, unknown = build_crate(Path(), args.results, args.title)
    write_json(args.output, crate)
    kinds = [entity["@type"] for entity in crate["@graph"]]
    files = sum("File" in (kind if isinstance(kind, list) else [kind]) for kind in kinds)
    print(f"{files} files, {kinds.count('CreateAction')} jobs")
    if unknown:
        print(f"{len(unknown)} published files were written by no job on record, {unknown[0]} for instance")


if __name__ == "__main__":
    run_cli(main)

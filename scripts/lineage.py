"""From a file, or from a number as it is printed, back to data, code and commit."""

import argparse
from dataclasses import asdict
from pathlib import Path

from primum.errors import UserError, run_cli
from primum.files import dumps, read_json
from primum.provenance.lineage import lineage, numbers_like
from primum.provenance.tell import diagram, tell, tell_number

SHOWN = 12  # numbers that are told at a time


def main() -> None:
    parser = argparse.ArgumentParser(prog="bin/lineage", description=__doc__)
    parser.add_argument("file", nargs="?", help="a result, for instance results/tiny/paper/figures/dipg_arms.svg")
    parser.add_argument("--number", help="instead: a number as it is printed in paper, report or card, such as 41.9")
    parser.add_argument("--key", help="instead: a number's key in numbers.json, or how the keys that are meant begin")
    parser.add_argument("--json", action="store_true", help="of a file: every job with its inputs and parameters")
    parser.add_argument("--mermaid", action="store_true", help="of a file: as a Mermaid flowchart, which editors draw")
    parser.add_argument("--results", type=Path, default=Path("results/tiny"), help="the scale whose numbers are meant")
    args = parser.parse_args()
    if bool(args.file) == bool(args.number or args.key):
        raise UserError("One thing is traced at a time.", "Give a file, or --number with a number as it is printed.")
    project = Path(".").resolve()
    if args.file:
        found = lineage(project, args.file)
        said = diagram(project, found) if args.mermaid else tell(project, found)
        print(dumps(asdict(found), indent=2) if args.json else said)
        return
    numbers = args.results / "paper" / "numbers.json"
    entries = read_json(numbers)
    keys = numbers_like(numbers, args.number) if args.number else list(entries)
    keys = [key for key in keys if key.startswith(args.key or "")]
    if not keys:
        raise UserError(f"No such number has a key that begins with '{args.key}'.", f"See {numbers}.")
    keys.sort(key=lambda key: key.split("/")[1] == "audit")  # as they were collected; audits last
    if more := max(0, len(keys) - SHOWN):
        print(f"{len(keys)} numbers are meant; the first {SHOWN}, and {more} more by --key:\n")
    keys = keys[:SHOWN]
    files = {entries[key]["file"]: lineage(project, entries[key]["file"]) for key in keys}
    for key in keys:
        print(tell_number(project, key, entries[key], files[entries[key]["file"]]))
    for file in sorted(files):
        print(f"\n{tell(project, files[file])}")


if __name__ == "__main__":
    run_cli(main)

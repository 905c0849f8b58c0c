"""Hacking, contamination, risk and abstention, subgroups, swapped patients -> audits.json and tables/audit_*.csv."""

import argparse
import json
from pathlib import Path

from primum.audits.audit import COLUMNS, audit, in_words
from primum.audits.reading import AuditConfig
from primum.errors import run_cli
from primum.evaluation.console import to_csv
from primum.files import write_json, write_text
from primum.strict import parse


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=json.loads, required=True, help="JSON: see primum.audits.reading.AuditConfig")
    parser.add_argument("--backend", required=True, help="who trained the stages")
    parser.add_argument("--folder", type=Path, required=True, help="results/{scale}/{study}: read from and written to")
    args = parser.parse_args()
    config = parse(AuditConfig, args.config, "audit_study --config")
    found, rows = audit(config, Path("."), args.folder, args.backend)
    for name, columns in COLUMNS.items():
        write_text(args.folder / "tables" / f"audit_{name}.csv", to_csv(columns, rows[name]))
    write_json(args.folder / "audits.json", found)
    print("\n".join(in_words(found)))


if __name__ == "__main__":
    run_cli(main)

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
    parser.add_argument("--eval", type=Path, required=True, help="results/{scale}/{study}/eval/{backend}")
    parser.add_argument("--data", type=Path, required=True, help="folder of the split files")
    parser.add_argument("--models", type=Path, required=True, help="results/{scale}/{study}/models/{backend}")
    parser.add_argument("--swaps", type=Path, required=True, help="results/{scale}/{study}/audits")
    parser.add_argument("--output", type=Path, required=True, help="folder for audits.json and tables/")
    args = parser.parse_args()
    config = parse(AuditConfig, args.config, "audit_study --config")
    found, rows = audit(config, Path("."), args.eval, args.data, args.models, args.swaps)
    for name, columns in COLUMNS.items():
        write_text(args.output / "tables" / f"audit_{name}.csv", to_csv(columns, rows[name]))
    write_json(args.output / "audits.json", found)
    print("\n".join(in_words(found)))


if __name__ == "__main__":
    run_cli(main)

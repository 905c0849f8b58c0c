"""Train the tiny base of the triage study from scratch on the bundled findings (about 20 minutes on one core)."""

from __future__ import annotations

import argparse
from pathlib import Path

from primum.bases.pretrain import SEED
from primum.bases.pretrain_medgemma import train_tiny_medgemma
from primum.config import Splits
from primum.data.case_bank import load_case_bank
from primum.data.cases import trained_families
from primum.errors import run_cli
from primum.files import sha256_json
from primum.settings import read_yaml
from primum.strict import parse


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", required=True, type=Path, help="YAML whose stages say which families are trained on")
    parser.add_argument("--bank", required=True, type=Path, help="folder of signs, cues, limits and families")
    parser.add_argument("--output", required=True, type=Path, help="folder for the model")
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    study, bank = read_yaml(arguments.study), load_case_bank(arguments.bank)
    data = parse(Splits, study["data"], f"{arguments.study}: data")
    trained = trained_families(bank, data, {stage["split"] for stage in study["stages"].values()})
    files = train_tiny_medgemma(bank, trained, arguments.output, arguments.seed)
    print(f"sha256 of its listing, for config/models.tsv: {sha256_json(files)}")


if __name__ == "__main__":
    run_cli(main)

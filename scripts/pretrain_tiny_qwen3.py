"""Train the tiny Qwen 3 base from scratch on the bundled facts (about 15 minutes on one core)."""

from __future__ import annotations

import argparse
from pathlib import Path

from primum.bases.pretrain import SEED
from primum.bases.pretrain_qwen3 import train_tiny_qwen3
from primum.data.bank import load_bank
from primum.errors import run_cli
from primum.files import sha256_json


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bank", required=True, type=Path, help="folder of facts.tsv and relations.yaml")
    parser.add_argument("--output", required=True, type=Path, help="folder for the model")
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    files = train_tiny_qwen3(load_bank(arguments.bank), arguments.output, arguments.seed)
    print(f"sha256 of its listing, for config/models.tsv: {sha256_json(files)}")


if __name__ == "__main__":
    run_cli(main)

"""Train the tiny Gemma 3 base from scratch on the bundled facts on DIPG (about 25 minutes on one core)."""

from __future__ import annotations

import argparse
from pathlib import Path

from primum.bases.grounded_facts import material
from primum.bases.pretrain import SEED
from primum.bases.pretrain_gemma3 import train_tiny_gemma3
from primum.corpora.resources import load_resources
from primum.errors import run_cli
from primum.files import sha256_json
from primum.settings import read_yaml
from primum.strict import parse
from primum.teaching import Corpus


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", required=True, type=Path, help="YAML whose 'corpus' says which facts are held out")
    parser.add_argument("--resources", required=True, type=Path, help="folder of the facts")
    parser.add_argument("--output", required=True, type=Path, help="folder for the model")
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    corpus = parse(Corpus, read_yaml(arguments.study)["corpus"], f"{arguments.study}: corpus")
    facts = material(load_resources(arguments.resources), corpus)
    files = train_tiny_gemma3(facts, arguments.output, arguments.seed)
    print(f"sha256 of its listing, for config/models.tsv: {sha256_json(files)}")


if __name__ == "__main__":
    run_cli(main)

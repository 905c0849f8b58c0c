"""Wall time of the tiny study in a fresh copy, beside the time its training and prediction jobs took,
and a no-op's time."""

from __future__ import annotations

import argparse
import csv
import subprocess
import tempfile
import time
from pathlib import Path

from primum.config import project_root
from primum.errors import UserError, run_cli


def seconds(folder: Path, rule: str) -> float:
    """Sum of the benchmarked seconds of a rule's jobs."""
    total = 0.0
    for path in sorted((folder / "results" / "tiny" / "benchmarks" / rule).glob("*.tsv")):
        with path.open(encoding="utf-8", newline="") as handle:
            total += sum(float(row["s"]) for row in csv.DictReader(handle, delimiter="\t"))
    return total


def timed(folder: Path, *arguments: str) -> float:
    """Seconds of one Snakemake call in ``folder``."""
    started = time.monotonic()
    done = subprocess.run(["snakemake", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(
            f"snakemake {' '.join(arguments)} failed: {done.stderr.strip().splitlines()[-1]}", "Run make reproduce."
        )
    return time.monotonic() - started


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    root = project_root()
    environments = ("--profile", "local", "--conda-prefix", str(root / ".snakemake" / "conda"))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "study"
        subprocess.run(["git", "clone", "--quiet", str(root), str(folder)], check=True)
        timed(folder, *environments, "--conda-create-envs-only")
        wall = timed(folder, *environments)
        train, predict = seconds(folder, "train_stage"), seconds(folder, "predict")
        again = timed(folder, *environments)
        (folder / "Empty").write_text("rule all:\n    input: []\n", encoding="utf-8")
        empty = timed(folder, "--snakefile", "Empty", "--cores", "2")
    print(f"study, wall                      {wall:8.1f} s")
    print(f"training jobs                    {train:8.1f} s")
    print(f"prediction jobs                  {predict:8.1f} s")
    print(f"wall / (training + prediction)   {wall / (train + predict):8.2f}   aim: at most 1.3")
    print(f"second call (nothing to do)      {again:8.1f} s")
    print(f"empty workflow                   {empty:8.1f} s")
    print(f"second call / empty workflow     {again / empty:8.2f}   aim: at most 2")


if __name__ == "__main__":
    run_cli(main)

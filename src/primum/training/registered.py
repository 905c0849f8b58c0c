"""What has to be on record of the rows before they are trained on."""

from __future__ import annotations

from pathlib import Path

from primum.errors import UserError
from primum.files import read_json, sha256_file
from primum.registry import DATASETS, load_dataset_entry

SPLITS = "splits.json"  # beside every split


def check_registered(root: Path, dataset: str, data: Path) -> None:
    """Refuse rows of which nobody is on record as answerable.

    ``splits.json`` beside a split names the dataset that it was cut from, and the hash of the dataset's rows; whether
    these are the rows that were fetched or written is compared later, where both records are at hand
    (``primum.provenance.adapters``).

    Args:
        root: the project's folder, with ``config/datasets.tsv``.
        dataset: id of its line.
        data: rows of the split.

    Raises:
        UserError: if there is no such line, or the split is of another dataset, or is not the one that was cut from it.
    """
    load_dataset_entry(root, dataset)
    record = data.with_name(SPLITS)
    if not record.is_file():
        raise UserError(
            f"{data} has no {SPLITS} beside it, so nothing tells which dataset it is of.",
            f"Train on splits that build_splits made of a dataset of {DATASETS}.",
        )
    summary = read_json(record)
    if (found := summary["source"]["dataset"]) != dataset:
        raise UserError(
            f"{data} was cut from dataset '{found}', not from '{dataset}'.", "Name the dataset that it is of."
        )
    if summary["splits"].get(data.stem, {}).get("sha256") != sha256_file(data):
        raise UserError(
            f"{data} is not the split on record in {record} (sha256 differs).", "Let snakemake build the splits again."
        )

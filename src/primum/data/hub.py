"""MedMCQA's tables from the hub, at a pinned revision, each file verified."""

from __future__ import annotations

import re
from pathlib import Path

from primum.config import DatasetEntry
from primum.errors import UserError
from primum.files import sha256_file

# 'test' is left out: its answers are not public.
_TABLE = re.compile(r"data/(train|validation)-[^/]*\.parquet")


def pinned_files(entry: DatasetEntry) -> dict[str, str]:
    """``{file: sha256}`` from the registry's ``file=sha256;file=sha256``."""
    pins: dict[str, str] = {}
    for part in [] if entry.sha256 == "-" else entry.sha256.split(";"):
        name, separator, digest = part.strip().partition("=")
        if not separator or not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise UserError(
                f"Dataset '{entry.id}': sha256 '{part}' is not <file>=<64 hex digits>.",
                "Mend config/datasets.tsv; join several with ';'.",
            )
        pins[name] = digest
    return pins


def download_tables(entry: DatasetEntry) -> tuple[dict[str, list[Path]], dict[str, str]]:
    """Parquet files of ``entry`` by origin, in the order of their names, and the sha256 of each.

    ``HF_ENDPOINT`` names another hub than the public one, ``HF_HOME`` where files are kept.

    Raises:
        UserError: without a pinned revision, when the hub refuses or is out of reach, or for a file not on record.
    """
    import httpx2
    from huggingface_hub import HfApi, hf_hub_download
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.hf_api import RepoFile

    if not re.fullmatch(r"[0-9a-f]{40}", entry.revision):
        raise UserError(
            f"Dataset '{entry.id}': revision '{entry.revision}' is not a commit.",
            "Put the 40 hex digits of a commit into config/datasets.tsv.",
        )
    pins = pinned_files(entry)
    tables: dict[str, list[Path]] = {"train": [], "validation": []}
    files: dict[str, str] = {}
    try:
        tree = HfApi().list_repo_tree(entry.source, recursive=True, revision=entry.revision, repo_type="dataset")
        listed = {item.path: item.lfs.sha256 if item.lfs else None for item in tree if isinstance(item, RepoFile)}
        for name in sorted({*listed, *pins}):
            match = _TABLE.fullmatch(name)
            if name in pins and (name not in listed or not match):
                raise UserError(
                    f"Dataset '{entry.id}': {entry.source} at {entry.revision} has no table {name}.",
                    "Mend sha256 in config/datasets.tsv.",
                )
            if match:
                path = Path(hf_hub_download(entry.source, name, revision=entry.revision, repo_type="dataset"))
                files[name] = _verify(entry, name, sha256_file(path), pins.get(name), listed[name])
                tables[match[1]].append(path)
    except (OSError, httpx2.HTTPError, HFValidationError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(
            f"Dataset '{entry.id}': {entry.source} at {entry.revision} cannot be had from the hub ({reason}).",
            "Check the network, HF_ENDPOINT, HF_TOKEN and the registry line, or use the 'file' reader.",
        ) from error
    if not tables["train"]:
        raise UserError(
            f"Dataset '{entry.id}': {entry.source} has no data/train-*.parquet.", "Name a dataset in MedMCQA's layout."
        )
    return tables, files


def _verify(entry: DatasetEntry, name: str, actual: str, pinned: str | None, listed: str | None) -> str:
    """The registry's sha256 counts; where it has none, the one the hub lists at the pinned revision."""
    expected = pinned or listed
    if expected is None:
        raise UserError(
            f"Dataset '{entry.id}': neither the registry nor the hub knows the sha256 of {name}.",
            f"If you trust it, put {name}={actual} into config/datasets.tsv.",
        )
    if actual != expected:
        raise UserError(
            f"Dataset '{entry.id}': {name} is not the file on record: its sha256 is {actual}, not {expected}.",
            "Remove it from the hub's cache, or mend config/datasets.tsv.",
        )
    return actual

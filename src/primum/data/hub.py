"""A dataset's tables from the hub, at a pinned revision, each file verified."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from primum.errors import UserError
from primum.files import sha256_file
from primum.registry import DatasetSource

# Parquet in data/; JSON there or at the root: 'train-00000-of-00001.parquet', 'test.jsonl'.
_TABLE = re.compile(r"data/(train|validation|test)-[^/]*\.parquet|(?:data/)?(train|validation|test)(?:-[^/]*)?\.jsonl?")
# MedMCQA's 'test' is left out: its answers are not public.
ORIGINS = {
    "medmcqa": {"train": "train", "validation": "validation"},
    "grounded": {"train": "train", "validation": "validation", "test": "validation"},
    "cases": {"train": "train", "validation": "validation"},
}
NEEDED = {"medmcqa": "train", "grounded": "train or test", "cases": "train"}


def pinned_files(entry: DatasetSource) -> dict[str, str]:
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


def table_origins(names: Iterable[str], columns: str) -> dict[str, str]:
    """``{file: origin}`` of the tables among ``names``, sorted; JSON only of a split that has no Parquet."""
    found = {name: match[1] or match[2] for name in sorted(names) if (match := _TABLE.fullmatch(name))}
    parquet = {split for name, split in found.items() if name.endswith(".parquet")}
    return {
        name: ORIGINS[columns][split]
        for name, split in found.items()
        if split in ORIGINS[columns] and (name.endswith(".parquet") or split not in parquet)
    }


def download_tables(entry: DatasetSource) -> tuple[dict[str, list[Path]], dict[str, str]]:
    """Tables of ``entry`` by origin, in the order of their names, and the sha256 of each.

    ``HF_ENDPOINT`` names another hub than the public one, ``HF_HOME`` where files are kept.

    Raises:
        UserError: without a pinned revision (then it names the one to pin), when the hub refuses or is out of reach,
            or for a file not on record.
    """
    import httpx2
    from huggingface_hub import HfApi, hf_hub_download
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.hf_api import RepoFile

    if entry.revision != "-" and not re.fullmatch(r"[0-9a-f]{40}", entry.revision):
        raise UserError(
            f"Dataset '{entry.id}': revision '{entry.revision}' is not a commit.",
            "Put the 40 hex digits of a commit into config/datasets.tsv, or '-' to be told the newest.",
        )
    pins = pinned_files(entry)
    tables: dict[str, list[Path]] = {"train": [], "validation": []}
    files: dict[str, str] = {}
    commit = entry.revision
    try:
        if commit == "-":
            commit = HfApi().dataset_info(entry.source).sha or "-"
        tree = HfApi().list_repo_tree(entry.source, recursive=True, revision=commit, repo_type="dataset")
        listed = {item.path: item.lfs.sha256 if item.lfs else None for item in tree if isinstance(item, RepoFile)}
        origins = table_origins(listed, entry.columns)
        if unknown := sorted(set(pins) - set(origins)):
            raise UserError(
                f"Dataset '{entry.id}': {entry.source} at {commit} has no table {unknown[0]}.",
                "Mend sha256 in config/datasets.tsv.",
            )
        for name, origin in origins.items():
            path = Path(hf_hub_download(entry.source, name, revision=commit, repo_type="dataset"))
            actual = sha256_file(path)
            known = actual if entry.revision == "-" else None  # not read: only told
            files[name] = _verify(entry, name, actual, pins.get(name), listed[name] or known)
            tables[origin].append(path)
    except (OSError, httpx2.HTTPError, HFValidationError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        at = "its newest commit" if commit == "-" else commit
        raise UserError(
            f"Dataset '{entry.id}': {entry.source} at {at} cannot be had from the hub ({reason}).",
            "Check the network, HF_ENDPOINT, HF_TOKEN and the registry line, or use the 'file' reader.",
        ) from error
    if not tables["train"] and not (entry.columns == "grounded" and files):
        raise UserError(
            f"Dataset '{entry.id}': {entry.source} has no table of {NEEDED[entry.columns]} rows "
            "(data/<split>-*.parquet, or <split>.jsonl).",
            "Name a dataset in this layout, or use the 'file' reader.",
        )
    if entry.revision == "-":
        raise UserError(
            f"Dataset '{entry.id}' has no revision in config/datasets.tsv, and what is newest may change.",
            f"If you trust {entry.source} as it is now, put revision {commit} and "
            f"sha256 {';'.join(f'{name}={digest}' for name, digest in files.items())} into config/datasets.tsv.",
        )
    return tables, files


def _verify(entry: DatasetSource, name: str, actual: str, pinned: str | None, listed: str | None) -> str:
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

"""One reader for each kind of line in ``config/datasets.tsv``; all end in the same rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from primum.data.bank import load_bank
from primum.data.case_bank import load_case_bank
from primum.data.cases import generate_cases, parse_cases
from primum.data.columns import parse_rows
from primum.data.grounded import parse_grounded
from primum.data.hub import download_tables
from primum.data.questions import generate_questions
from primum.data.tables import read_table
from primum.errors import UserError
from primum.files import sha256_file, sha256_json, sha256_tree, write_json, write_jsonl
from primum.registry import DatasetSource

Rows = list[dict[str, Any]]
Tables = Mapping[str, Iterable[Mapping[str, Any]]]


def fetch_dataset(root: Path, entry: DatasetSource, output: Path) -> dict[str, Any]:
    """Read the dataset of ``entry``, verify it, and write ``output/rows.jsonl`` and, last, ``output/source.json``.

    Args:
        root: the project's folder, to which ``entry.source`` is relative.
        entry: the registry line.
        output: folder for the two files.

    Returns:
        The content of ``source.json``: the registry line, ``files`` ({name: sha256} of what was read), ``rows`` by
        origin, ``skipped`` (rows left out as exact doubles), and ``rows_sha256`` of ``rows.jsonl``.

    Raises:
        UserError: when the dataset cannot be had, is not the one on record, or has a row that cannot be used.
    """
    rows, skipped, files = READERS[entry.reader](root, entry)
    counts = Counter(row["origin"] for row in rows)
    write_jsonl(output / "rows.jsonl", rows)
    source = entry.model_dump() | {
        "source": Path(entry.source).name if Path(entry.source).is_absolute() else entry.source,
        "files": files,
        "rows": {"train": counts["train"], "validation": counts["validation"]},
        "skipped": skipped,
        "rows_sha256": sha256_file(output / "rows.jsonl"),
    }
    write_json(output / "source.json", source)
    return source


def _bundled(root: Path, entry: DatasetSource) -> tuple[Rows, Rows, dict[str, str]]:
    """Rows generated from the project's own resources. Versioned with the code, so the registry need not pin them."""
    folder = root / entry.source
    files = {name: digest for name, digest in sha256_tree(folder).items() if not name.endswith(".md")}
    if entry.sha256 != "-":
        _check(entry, sha256_json(files))
    if entry.columns == "cases":
        return generate_cases(load_case_bank(folder)), [], files
    return generate_questions(load_bank(folder)), [], files


def _file(root: Path, entry: DatasetSource) -> tuple[Rows, Rows, dict[str, str]]:
    """One local table; all of it is the training origin."""
    path = root / entry.source
    if not path.is_file():
        raise UserError(
            f"Dataset '{entry.id}': file {entry.source} does not exist.",
            "Put the file there, or mend 'source' in config/datasets.tsv.",
        )
    digest = sha256_file(path)
    if entry.sha256 == "-":
        raise UserError(
            f"Dataset '{entry.id}' has no sha256 in config/datasets.tsv.",
            f"If you trust {entry.source}, put this sha256 into config/datasets.tsv: {digest}",
        )
    _check(entry, digest)
    return *_parse(entry, {"train": read_table(path)}, path.name), {path.name: digest}


def _hub(root: Path, entry: DatasetSource) -> tuple[Rows, Rows, dict[str, str]]:
    """The hub's tables at the pinned revision."""
    tables, files = download_tables(entry)
    records = {origin: [record for path in paths for record in read_table(path)] for origin, paths in tables.items()}
    return *_parse(entry, records, entry.source), files


def _corpus(root: Path, entry: DatasetSource) -> NoReturn:
    """A teacher writes its rows, for the study that names it: there is nothing to fetch."""
    raise UserError(
        f"Dataset '{entry.id}' is a corpus: a teacher writes it, and it cannot be fetched.",
        "Name it in a study that describes the corpus and sets data.from_corpus.",
    )


def _parse(entry: DatasetSource, tables: Tables, where: str) -> tuple[Rows, Rows]:
    """Rows, and those left out, by what the registry says that the tables hold."""
    if entry.columns == "grounded":
        return parse_grounded(tables, where)
    if entry.columns == "cases":
        return parse_cases(tables, where), []
    return parse_rows(tables, int(entry.answer_base), where), []


def _check(entry: DatasetSource, actual: str) -> None:
    if entry.sha256 != actual:
        raise UserError(
            f"Dataset '{entry.id}': {entry.source} is not the one on record: sha256 {actual}, not {entry.sha256}.",
            "Restore it, or put this sha256 into config/datasets.tsv.",
        )


READERS: dict[str, Callable[[Path, DatasetSource], tuple[Rows, Rows, dict[str, str]]]] = {
    "bundled": _bundled,
    "file": _file,
    "hub": _hub,
    "corpus": _corpus,
}

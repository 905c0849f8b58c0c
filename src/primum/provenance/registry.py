"""From a fetched input to its line in ``config/datasets.tsv`` or ``config/models.tsv``."""

from __future__ import annotations

import csv
from pathlib import Path

REGISTRIES = {"datasets": "config/datasets.tsv", "bases": "config/models.tsv"}
INPUTS = "results/inputs/"


class Registry:
    """The registries of a project, read once.

    Args:
        project: the project's folder.
    """

    def __init__(self, project: Path) -> None:
        self.lines: dict[tuple[str, str], dict[str, str]] = {}
        for kind, file in REGISTRIES.items():
            with (project / file).open(encoding="utf-8", newline="") as handle:
                for line in csv.DictReader(handle, delimiter="\t"):
                    self.lines[kind, line["id"]] = line | {"registry": file}

    def behind(self, path: str) -> dict[str, str] | None:
        """The line that a file below ``results/inputs`` was fetched by, with ``registry``; none for any other file."""
        parts = path.removeprefix(INPUTS).split("/")
        return self.lines.get((parts[0], parts[1])) if path.startswith(INPUTS) and len(parts) > 1 else None

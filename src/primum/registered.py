"""The registered part of a plan: the lines of what a run uses, each checked before the first job."""

from __future__ import annotations

from pathlib import Path

from primum.config import Config, Study
from primum.errors import UserError
from primum.files import sha256_file
from primum.publication import Publication
from primum.registry import DATASETS, MODELS, DatasetEntry, ModelEntry, load_dataset_entry, load_model_entry


class Registered(Publication):
    """A run's layout, in which every dataset and base is a line of a registry.

    Raises:
        UserError: if one is not, or is not what the study takes it for, or its source is not there.
    """

    def __init__(self, root: Path, config: Config, studies: dict[str, Study]) -> None:
        super().__init__(root, config, studies)
        self.models: dict[str, ModelEntry] = {}
        for name, study in studies.items():
            self._register(name, study.dataset)
            if study.base:
                self.models[study.base] = load_model_entry(root, study.base)
        for entry in [*self.datasets.values(), *self.models.values()]:
            self._check_source(entry)

    def dataset(self, study: str) -> DatasetEntry:
        """The line of a study's rows."""
        return self.datasets[self.studies[study].dataset]

    def _register(self, name: str, dataset: str) -> None:
        """A study's dataset must stand in the registry, and be what the study makes its rows from."""
        entry = load_dataset_entry(self.root, dataset)
        corpus = name in self.corpora
        if corpus != (entry.reader == "corpus"):
            raise UserError(
                f"study '{name}': dataset '{dataset}' of {DATASETS} is {'no' if corpus else 'a'} corpus, and "
                f"the study {'has its rows from one' if corpus else 'describes none'}.",
                "Name another line, or add one; a teacher's corpus has the reader 'corpus'.",
            )
        if corpus and dataset in self.datasets:
            raise UserError(
                f"study '{name}': dataset '{dataset}' is the corpus of another study.",
                f"Add a line for this one to {DATASETS}.",
            )
        self.datasets[dataset] = entry

    def _check_source(self, entry: DatasetEntry | ModelEntry) -> None:
        """A local source must be there, and a file must be the one on record, before anything starts."""
        if entry.reader == "hub" or entry.reader == "gguf-wheel":
            return
        file = DATASETS if isinstance(entry, DatasetEntry) else MODELS
        path = self.root / entry.source
        if not path.exists():
            raise UserError(
                f"'{entry.id}' of {file}: {entry.source} does not exist.",
                f"Put it there, or mend 'source'. {entry.note}",
            )
        if entry.reader == "file" and (actual := sha256_file(path)) != entry.sha256:
            raise UserError(
                f"'{entry.id}' of {file}: {entry.source} is not the file on record.",
                f"Restore it or, if you trust it, put its sha256 there: {actual}",
            )

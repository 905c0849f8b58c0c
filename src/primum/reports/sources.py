"""Which files a report is made from: the contract of paths under ``results/{scale}``, and small readers."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from primum.errors import UserError
from primum.evaluation.tree import Tree
from primum.files import read_json, read_jsonl, sha256_file
from primum.reports.catalogue import AUDITS, CORPUS_RECORD, DEPLOYMENTS, figures_of
from primum.stages import BASE_STAGE
from primum.strict import Identifier, Strict


class StageReport(Strict):
    """A trained stage, as reports name it."""

    name: Identifier
    parent: Identifier  # 'base' or another stage
    method: Literal["sft", "grpo"]
    split: Identifier
    steps: int
    rewards: Identifier | None = None  # its table


class DeploymentReport(Strict):
    """A stage as it could be put to use, as reports name it."""

    name: Identifier
    of: Identifier  # a stage or another deployment
    layer: bool  # whether it is the safety layer on that, or else another prompt


class StudyReport(Strict):
    """One study, as reports name it: ``--config`` of ``plot_figure.py`` and ``write_card.py``."""

    study: Identifier
    title: str
    backend: Identifier
    seeds: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]
    splits: Annotated[list[Identifier], Field(min_length=1)]  # evaluated; the first is the one claims are made on
    max_new_tokens: Annotated[int, Field(gt=0)]  # of a completion in evaluation
    exploitable: list[Identifier] = Field(default_factory=list)  # reward tables known to pay for cheating
    limitations: list[str] = Field(default_factory=list)  # the study's own, in words
    data_record: str  # of the dataset or the corpus; relative to the folder of all results
    confidence: bool  # whether the task states how sure it is
    abstains: bool = False  # whether it may say that it does not know
    paid: bool = False  # whether every stage is reported under one fixed reward table
    deployments: list[DeploymentReport] = Field(default_factory=list)
    stages: Annotated[list[StageReport], Field(min_length=1)]  # trained, parents first; the base goes without saying

    def figures(self) -> tuple[str, ...]:
        """Those that there are."""
        deployed = bool(self.deployments)
        return figures_of(self.stages, self.confidence, self.abstains, self.from_corpus, self.paid, deployed)

    @property
    def from_corpus(self) -> bool:
        """Whether a teacher wrote the rows."""
        return Path(self.data_record).name == CORPUS_RECORD

    def tree(self) -> Tree:
        """Its arms, and what is compared with what."""
        return Tree(self.stages)

    def seeds_of(self, stage: str) -> list[int]:
        """The base is what it is, and is evaluated once."""
        return [0] if stage == BASE_STAGE else sorted(set(self.seeds))

    def names(self) -> list[str]:
        """The base and every trained stage."""
        return [BASE_STAGE, *(stage.name for stage in self.stages)]

    def runs(self) -> list[tuple[str, int]]:
        """Every evaluated (stage, seed), in order."""
        return [(name, seed) for name in self.names() for seed in self.seeds_of(name)]

    def deployed(self) -> list[tuple[str, int]]:
        """Every deployment with each seed of the stage whose model answers, in order."""
        stages, found = {name: name for name in self.names()}, []
        for node in self.deployments:
            stages[node.name] = stages[node.of]
            found += [(node.name, seed) for seed in self.seeds_of(stages[node.name])]
        return found

    def lineage(self, stage: str) -> list[str]:
        """Stage names from the base's child to ``stage``; empty for the base."""
        return [] if stage == BASE_STAGE else [*self.lineage(self.stage(stage).parent), stage]

    def stage(self, name: str) -> StageReport:
        """A trained stage by name; :class:`UserError` if there is none."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        known = ", ".join(stage.name for stage in self.stages)
        raise UserError(f"Study '{self.study}' has no trained stage '{name}'.", f"Use one of {known}.")


class DataReport(Strict):
    """The data of a study: splits and, where a teacher wrote one, the corpus's files."""

    study: Identifier
    splits: list[Identifier]
    corpus: list[str] = Field(default_factory=list)  # relative to the study's folder


class ReportConfig(Strict):
    """Everything at one scale: ``--config`` of the numbers, the paper, the report and the manifest."""

    scale: Identifier
    studies: list[StudyReport]  # those that are trained
    data: list[DataReport] = Field(default_factory=list)
    claims: bool = False  # whether the originals' claims are tested
    pipeline: bool = False  # whether there is a figure of the pipeline
    parity: bool = False  # whether the backends' comparison is published


MANY = 4  # stages, base included, that one column of the paper shows side by side


@dataclass(frozen=True, slots=True)
class StudyFiles:
    """Paths of one study.

    Attributes:
        results: ``results/{scale}``.
        study: whose files.
    """

    results: Path
    study: StudyReport

    @property
    def root(self) -> Path:
        """The project's folder: what paths in published files are relative to."""
        return self.results.parent.parent

    @property
    def folder(self) -> Path:
        """Everything built for the study."""
        return self.results / self.study.study

    @property
    def evaluation(self) -> Path:
        """``eval_results.json``."""
        return self.folder / "eval_results.json"

    @property
    def audits(self) -> Path:
        """``audits.json``."""
        return self.folder / AUDITS

    @property
    def deployments(self) -> Path:
        """``deployments.json``."""
        return self.folder / DEPLOYMENTS

    def deployment(self, name: str, seed: int, split: str) -> Path:
        """Where predictions and scores of a deployment lie."""
        return self.folder / "deployments" / self.study.backend / name / f"seed{seed}" / split

    @property
    def splits(self) -> Path:
        """``splits.json``."""
        return self.folder / "data" / "splits.json"

    @property
    def gate(self) -> Path:
        """``rewards_check.json``."""
        return self.folder / "data" / "rewards_check.json"

    @property
    def compute(self) -> Path:
        """``compute.json``."""
        return self.folder / "compute.json"

    def rows(self, split: str) -> Path:
        """The rows of a split."""
        return self.folder / "data" / f"{split}.jsonl"

    def stage(self, stage: str, seed: int) -> Path:
        """Where a trained stage lies."""
        return self.folder / "models" / self.study.backend / stage / f"seed{seed}"

    def checkpoint(self, stage: str, seed: int) -> Path:
        """A trained stage's record."""
        return self.stage(stage, seed) / "checkpoint.json"

    def log(self, stage: str, seed: int) -> Path:
        """A trained stage's history."""
        return self.stage(stage, seed) / "train_log.jsonl"

    def evaluated(self, stage: str, seed: int, split: str) -> Path:
        """Where predictions and scores of a stage on a split lie."""
        return self.folder / "eval" / self.study.backend / stage / f"seed{seed}" / split

    def card(self, stage: str) -> Path:
        """The stage's model card."""
        return self.folder / "cards" / self.study.backend / f"{stage}.md"

    def croissant(self) -> Path:
        """What describes the splits."""
        return self.splits.with_name("croissant.json")

    def dataset_card(self) -> Path:
        """The card of the study's data."""
        return self.folder / "cards" / "dataset.md"

    def figure(self, name: str, kind: str) -> Path:
        """A figure, as ``svg`` or ``png``."""
        return self.results / "paper" / "figures" / f"{self.study.study}_{name}.{kind}"

    def base(self) -> Path:
        """The record of the base model that was evaluated."""
        name = read_json(self.evaluation)["base"]
        return self.results.parent / "inputs" / "bases" / name / "base.json"

    def source(self) -> Path:
        """The record of the dataset or the corpus that was used."""
        return self.results.parent / self.study.data_record

    @property
    def from_corpus(self) -> bool:
        """Whether a teacher wrote the rows."""
        return self.study.from_corpus

    def data(self) -> dict[str, Any]:
        """What texts say of the rows' source, dataset or corpus: ``id``, ``reader``, ``source``, ``revision``,
        ``licence``."""
        record = read_json(self.source())
        if not self.from_corpus:
            return record
        licence = read_json(self.source().with_name("croissant.json"))["license"]
        licence = licence.rsplit("/", 1)[-1].removesuffix(".html")
        name = read_json(self.splits)["source"]["dataset"]
        source = f"teacher '{record['teacher']['name']}', model {record['teacher']['model']}"
        return {"id": name, "reader": "corpus", "revision": "-", "source": source, "licence": licence}


def _read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


READERS = {".json": read_json, ".jsonl": read_jsonl, ".csv": _read_csv}


class Source:
    """A file whose content is quoted: read once, hashed once.

    Args:
        path: a JSON, JSONL or CSV file; any other is hashed alone.
        root: the project's folder; the file is named relative to it.
    """

    def __init__(self, path: Path, root: Path) -> None:
        self.file = path.relative_to(root).as_posix()
        self.sha256 = sha256_file(path)
        self.data: Any = None
        if path.suffix in READERS:
            self.data = READERS[path.suffix](path)

    def at(self, pointer: str) -> Any:
        """The value at a JSON pointer (RFC 6901; in JSONL and CSV the first part counts lines, or rows, from 0)."""
        value = self.data
        for part in pointer.split("/")[1:]:
            part = part.replace("~1", "/").replace("~0", "~")
            try:
                value = value[int(part)] if isinstance(value, list) else value[part]
            except (KeyError, IndexError, ValueError, TypeError):
                raise UserError(f"{self.file} has nothing at {pointer}.", "Let snakemake rebuild it.") from None
        return value


def pointer(*parts: str | int) -> str:
    """A JSON pointer from its parts."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)

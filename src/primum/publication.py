"""What is published, and what reports are made from: the paths behind figures, tables, cards and the manifest."""

from __future__ import annotations

from collections.abc import Iterable

from primum.files import dumps
from primum.layout import ADAPTER_FILES, Layout
from primum.provenance.names import ADAPTER_CARD, BOM, PROVENANCE, REGISTRY
from primum.reports.catalogue import (
    AUDIT_TABLES,
    AUDITS,
    CLAIMS,
    CLAIMS_TABLE,
    CORPUS_RECORD,
    DATA_RECORDS,
    DEPLOYMENT_TABLES,
    DEPLOYMENTS,
    PARITY,
    PIPELINE,
    SCORED_FILES,
    SWAP_FILES,
    TABLES,
    figure_files,
    figures_of,
)
from primum.tasks import load_task


class Publication(Layout):
    """A run's layout, with what people and programs may read of it."""

    def figures(self, study: str, kinds: Iterable[str] = ("svg", "png")) -> list[str]:
        """A study's figures: those for which it has something to show."""
        names = figures_of(list(self.studies[study].stages.values()), **self.shows(study))
        return [f"{self.results}/paper/figures/{study}_{figure}.{kind}" for figure in names for kind in kinds]

    def shows(self, study: str) -> dict[str, bool]:
        """What decides which figures there are: see :func:`primum.reports.catalogue.figures_of`."""
        resolved = self.studies[study]
        task = load_task(resolved.task, resolved.task_settings)
        return {
            "confidence": task.states_confidence,
            "abstains": "abstained" in task.outcomes,
            "corpus": study in self.corpora,
            "deployed": bool(resolved.deployments),
            "paid": bool(resolved.evaluation and resolved.evaluation.reward_table),
        }

    def figure_inputs(self, study: str, figure: str) -> list[str]:
        """What one figure of a study is drawn from: no more, so that only what has changed is drawn again."""
        folder = self.study_folder(study)
        known = {name: f"{folder}/{name}" for name in ("eval_results.json", AUDITS, DEPLOYMENTS)}
        known["splits.json"] = f"{folder}/data/splits.json"
        if study in self.corpora:
            known |= {name: f"{self.corpus_folder(study)}/{name}" for name in (CORPUS_RECORD, "comparison.json")}
        histories = self.stage_files(study, "train_log.jsonl") if figure.startswith("training_") else []
        return [known[name] for name in figure_files(figure)] + histories

    def tables(self, study: str) -> list[str]:
        """A study's tables."""
        names = (*TABLES, *AUDIT_TABLES, *(DEPLOYMENT_TABLES if self.studies[study].deployments else ()))
        return [f"{self.results}/{study}/tables/{name}.csv" for name in names]

    def cards(self, study: str) -> list[str]:
        """The model card of every trained stage, and the card of the data."""
        folder = f"{self.results}/{study}/cards"
        first = str(min(self.config.seeds))
        return [f"{folder}/dataset.md", *(self.card_of(study, stage, first)[0] for stage in self.stages(study)[1:])]

    def card_of(self, study: str, stage: str, seed: str) -> list[str]:
        """The model card of a trained stage, which is about its first seed; none for the others."""
        if int(seed) != min(self.config.seeds):
            return []
        return [f"{self.results}/{study}/cards/{self.backend(study)}/{stage}.md"]

    def claims_files(self) -> list[str]:
        """The original studies' claims, tested: JSON, and the table."""
        return [f"{self.results}/{name}" for name in (CLAIMS, CLAIMS_TABLE)] if self.trained else []

    def claims_sources(self) -> list[str]:
        """What original studies printed and claim."""
        return sorted(path.relative_to(self.root).as_posix() for path in (self.root / "config/published").iterdir())

    def claims_results(self) -> dict[str, str]:
        """Original study -> this run's results that stand beside its claims: of the first study that names it."""
        found: dict[str, str] = {}
        for study in self.trained:
            if name := self.studies[study].published:
                found.setdefault(name, f"{self.results}/{study}/eval_results.json")
        return found

    def claims_config(self) -> str:
        """For ``check_claims``."""
        return dumps(self.claims_results())

    def parity_table(self) -> str:
        """The two backends beside each other."""
        return f"{self.results}/{PARITY}"

    def records(self, study: str) -> list[str]:
        """What numbers are taken from: results, training histories, and the records of data, base and checkpoints."""
        return [
            *(f"{self.results}/{study}/{name}" for name in ("eval_results.json", "compute.json", AUDITS)),
            *([f"{self.results}/{study}/{DEPLOYMENTS}"] if self.studies[study].deployments else []),
            *(f"{self.results}/{study}/data/{name}" for name in ("splits.json", "rewards_check.json")),
            *self.stage_files(study, "checkpoint.json"),
            *self.stage_files(study, "train_log.jsonl"),
            self.base_file(study),
            self.data_record(study),
            *([f"{self.corpus_folder(study)}/croissant.json"] if study in self.corpora else []),
        ]

    def samples(self, study: str) -> list[str]:
        """Rows, predictions and scores of every evaluated split, for examples."""
        rows = [self.split_file(study, split) for split in self.studies[study].evaluation.splits]
        return rows + self.evaluations(study, "predictions.jsonl") + self.evaluations(study, "scores.jsonl")

    def published(self) -> list[str]:
        """Everything that the manifest lists, at this scale."""
        together = ("numbers.json", "paper.pdf", "report.html", *PIPELINE)
        files = [f"{self.results}/paper/{name}" for name in together if self.trained]
        files += [f"{self.results}/{name}" for name in (BOM, *REGISTRY)]
        files += self.claims_files() + ([self.parity_table()] if self.parity else [])
        for study in self.studies:
            files += [self.split_file(study, split) for split in self.splits(study)]
            files += [f"{self.results}/{study}/data/{name}" for name in DATA_RECORDS]
        for study in self.corpora:
            files += self.corpus_files(study)
        for study in self.trained:
            files += self.records(study) + self.figures(study) + self.tables(study)
            files += self.cards(study)
            files += [path for name in ADAPTER_FILES for path in self.stage_files(study, f"adapter/{name}")]
            files += [path for name in (PROVENANCE, ADAPTER_CARD) for path in self.stage_files(study, name)]
            files += [f"{self.results}/{study}/{name}" for name in SWAP_FILES]
            files += [path for name in SCORED_FILES for path in self.evaluations(study, name)]
            files += self.deployment_files(study, *SCORED_FILES)
        return sorted(set(files))

    def templates(self) -> list[str]:
        """Templates of paper, report and cards."""
        folder = self.root / "src" / "primum" / "reports" / "templates"
        return sorted(path.relative_to(self.root).as_posix() for path in folder.iterdir())

"""What the rules need to know: resolved studies, paths, and the narrow configuration of every job.

Rules stay declarations: each asks the plan for its inputs and for one JSON string, so that a job reruns when, and only
when, something it reads has changed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from primum.closure import code_files, code_sha256
from primum.config import BASE_STAGE, DatasetEntry, GrpoStage, ModelEntry, Study
from primum.errors import UserError
from primum.files import dumps, sha256_file
from primum.rewards import check_table
from primum.settings import load_config, load_dataset_entry, load_model_entry, load_study
from primum.tasks import load_task

INPUTS = "results/inputs"


class Plan:
    """The whole run, resolved and checked before the first job.

    Args:
        root: the project's folder.
        values: Snakemake's ``config`` dictionary.

    Raises:
        UserError: for whatever is wrong in a configuration file.
    """

    def __init__(self, root: Path, values: dict[str, Any]) -> None:
        self.root = root
        self.config = load_config(values)
        self.results = f"results/{self.config.scale}"
        self.backend = self.config.backend
        self.studies: dict[str, Study] = {name: load_study(root, name, self.config) for name in self.config.studies}
        self.datasets: dict[str, DatasetEntry] = {}
        self.models: dict[str, ModelEntry] = {}
        for name, study in self.studies.items():
            self.datasets[study.dataset] = load_dataset_entry(root, study.dataset)
            self.models[study.base] = load_model_entry(root, study.base)
            self._check_task(name, study)
        for entry in [*self.datasets.values(), *self.models.values()]:
            self._check_source(entry)

    def _check_source(self, entry: DatasetEntry | ModelEntry) -> None:
        """A local source must be there, and a file must be the one on record, before anything starts."""
        if entry.reader == "hub" or entry.reader == "gguf-wheel":
            return
        file = "datasets.tsv" if isinstance(entry, DatasetEntry) else "models.tsv"
        path = self.root / entry.source
        if not path.exists():
            raise UserError(
                f"'{entry.id}' of config/{file}: {entry.source} does not exist.",
                f"Put it there, or mend 'source'. {entry.note}",
            )
        if entry.reader == "file" and (actual := sha256_file(path)) != entry.sha256:
            raise UserError(
                f"'{entry.id}' of config/{file}: {entry.source} is not the file on record.",
                f"Restore it or, if you trust it, put its sha256 there: {actual}",
            )

    def _check_task(self, name: str, study: Study) -> None:
        task = load_task(study.task, study.task_settings)
        for table, weights in sorted(study.rewards.items()):
            for unknown in check_table(task, weights):
                raise UserError(
                    f"study '{name}': rewards.{table} weighs '{unknown}', which task '{study.task}' does not offer.",
                    f"Use {', '.join(task.reward_outcomes)}.",
                )
        if study.guards.sampled_outcome not in task.outcomes:
            raise UserError(
                f"study '{name}': guards.sampled_outcome '{study.guards.sampled_outcome}' is no outcome of the task.",
                f"Use one of {', '.join(task.outcomes)}.",
            )

    # --- paths -----------------------------------------------------------------------------------------------------

    def study_folder(self, study: str) -> str:
        """Everything built for one study at this scale."""
        return f"{self.results}/{study}"

    def stage_folder(self, study: str, stage: str, seed: int | str) -> str:
        """Where a trained stage lies."""
        return f"{self.results}/{study}/models/{self.backend}/{stage}/seed{seed}"

    def eval_folder(self, study: str, stage: str, seed: int | str, split: str) -> str:
        """Where predictions and scores of a stage on a split lie."""
        return f"{self.results}/{study}/eval/{self.backend}/{stage}/seed{seed}/{split}"

    def split_file(self, study: str, split: str) -> str:
        """The rows of a split."""
        return f"{self.results}/{study}/data/{split}.jsonl"

    def base_file(self, study: str) -> str:
        """The manifest of the study's base model."""
        return f"{INPUTS}/bases/{self.studies[study].base}/base.json"

    def dataset_rows(self, study: str) -> str:
        """The rows of the study's dataset."""
        return f"{INPUTS}/datasets/{self.studies[study].dataset}/rows.jsonl"

    def source_files(self, entry: DatasetEntry | ModelEntry) -> list[str]:
        """Local files that a registry entry names, for rules to depend on."""
        if entry.reader == "bundled":
            folder = self.root / entry.source
            return sorted(
                p.relative_to(self.root).as_posix() for p in folder.rglob("*") if p.is_file() and p.suffix != ".md"
            )
        return [entry.source] if entry.reader == "file" else []

    # --- what is built ---------------------------------------------------------------------------------------------

    def stages(self, study: str) -> list[str]:
        """The base and every trained stage, parents first."""
        trained = self.studies[study].stages
        return [
            BASE_STAGE,
            *sorted(trained, key=lambda stage: (len(self.studies[study].lineage(stage)), list(trained).index(stage))),
        ]

    def seeds(self, stage: str) -> list[int]:
        """Training seeds of a stage; the base is what it is, and is evaluated once."""
        return [0] if stage == BASE_STAGE else sorted(set(self.config.seeds))

    def runs(self, study: str) -> list[tuple[str, int]]:
        """Every (stage, seed) to evaluate."""
        return [(stage, seed) for stage in self.stages(study) for seed in self.seeds(stage)]

    def training_splits(self, study: str) -> list[str]:
        """Splits that some stage trains on."""
        return sorted({stage.split for stage in self.studies[study].stages.values()})

    def splits(self, study: str) -> list[str]:
        """Every split file that is written."""
        data = self.studies[study].data
        return [*sorted(data.ranges), *(["validation"] if data.validation else [])]

    def first_of(self, study: str, method: str) -> str | None:
        """The first stage of a method, for the figures."""
        return next((n for n in self.stages(study)[1:] if self.studies[study].stages[n].method == method), None)

    def parent_checkpoint(self, study: str, stage: str, seed: str) -> list[str]:
        """The checkpoint that a stage is trained from; none for a child of the base."""
        return self.own_checkpoint(study, self.studies[study].stages[stage].parent, seed)

    def own_checkpoint(self, study: str, stage: str, seed: str) -> list[str]:
        """A stage's own checkpoint; none for the base."""
        return [] if stage == BASE_STAGE else [f"{self.stage_folder(study, stage, seed)}/checkpoint.json"]

    def evaluations(self, study: str, file: str) -> list[str]:
        """``file`` of every stage, seed and evaluated split of a study."""
        splits = self.studies[study].evaluation.splits
        return [
            f"{self.eval_folder(study, stage, seed, split)}/{file}"
            for stage, seed in self.runs(study)
            for split in splits
        ]

    def card(self, study: str, stage: str) -> str:
        """The model card of a stage."""
        return f"{self.results}/{study}/cards/{self.backend}/{stage}.md"

    def published_file(self, study: str) -> list[str]:
        """The original study's numbers, where there are any."""
        name = self.studies[study].published
        return [f"config/published/{name}.tsv"] if name else []

    # --- code and environment --------------------------------------------------------------------------------------

    def code(self, script: str, study: str | None = None, backend: bool = False) -> list[str]:
        """Files whose content decides what ``scripts/{script}.py`` does, with the study's task and the backend."""
        modules = [f"primum.tasks.{self.studies[study].task}"] if study else []
        modules += [f"primum.training.{self.backend}"] if backend else []
        return code_files(self.root, f"scripts/{script}.py", modules)

    def environment_sha256(self, name: str) -> str:
        """Hash of the pins of ``envs/{name}.yaml``."""
        return sha256_file(self.root / "envs" / f"{name}.yaml")

    # --- narrow configurations, as JSON ----------------------------------------------------------------------------

    def _task_keys(self, study: str) -> dict[str, Any]:
        resolved = self.studies[study]
        return {"study": study, "task": resolved.task, "task_settings": resolved.task_settings}

    def splits_config(self, study: str) -> str:
        """For ``build_splits``."""
        data = self.studies[study].data.model_dump(mode="json")
        return dumps(self._task_keys(study) | {"data": data, "training_splits": self.training_splits(study)})

    def rewards_config(self, study: str) -> str:
        """For ``check_rewards``."""
        return dumps(self._task_keys(study) | {"rewards": self.studies[study].rewards})

    def train_config(self, study: str, stage: str, seed: str) -> str:
        """For ``train_stage``."""
        resolved = self.studies[study]
        node = resolved.stages[stage]
        table = resolved.rewards[node.rewards] if isinstance(node, GrpoStage) else None
        return dumps(
            self._task_keys(study)
            | {
                "stage_name": stage,
                "seed": int(seed),
                "backend": self.backend,
                "stage": node.model_dump(mode="json"),
                "lora": resolved.lora.model_dump(mode="json"),
                "reward_table": table,
                "guards": resolved.guards.model_dump(mode="json"),
                "thinking": resolved.thinking,
                "threads": resolved.train_threads,
                "code_sha256": code_sha256(self.root, self.code("train_stage", study, backend=True)),
                "environment_sha256": self.environment_sha256(self.backend),
            }
        )

    def predict_config(self, study: str, stage: str, seed: str, split: str) -> str:
        """For ``predict``; options are permuted on the split that claims are made on, and only there."""
        resolved = self.studies[study]
        evaluation = resolved.evaluation
        trained = list(resolved.stages.values())
        return dumps(
            self._task_keys(study)
            | {
                "stage": stage,
                "seed": int(seed),
                "split": split,
                "thinking": resolved.thinking,
                "threads": resolved.train_threads,
                "max_new_tokens": evaluation.max_new_tokens,
                "batch_size": evaluation.batch_size,
                "permutations": evaluation.permutations if split == evaluation.splits[0] else 0,
                "bf16": all(node.bf16 for node in trained),
            }
        )

    def score_config(self, study: str) -> str:
        """For ``score``."""
        return dumps(self._task_keys(study))

    def compare_config(self, study: str) -> str:
        """For ``compare_stages``."""
        resolved = self.studies[study]
        parents = {stage: resolved.stages[stage].parent for stage in self.stages(study)[1:]}
        return dumps(
            self._task_keys(study)
            | {
                "stages": [{"name": stage, "parent": parents.get(stage)} for stage in self.stages(study)],
                "seeds": sorted(set(self.config.seeds)),
                "splits": resolved.evaluation.splits,
                "training_splits": self.training_splits(study),
                "published": resolved.published,
                "scale": self.config.scale,
                "base": resolved.base,
                "dataset": resolved.dataset,
            }
        )

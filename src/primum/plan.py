"""What the rules need to know: resolved studies, paths, and the narrow configuration of every job.

Rules stay declarations: each asks the plan for its inputs and for one JSON string, so that a job reruns when, and only
when, something it reads has changed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from primum.aside import take_aside
from primum.closure import code_files, code_sha256
from primum.config import Study
from primum.errors import UserError
from primum.evaluation.deployment_plan import check_deployments
from primum.files import dumps, sha256_file
from primum.registered import Registered
from primum.rewards import check_signs, check_table
from primum.settings import load_config, load_study
from primum.stages import BASE_STAGE, GrpoStage, Mesh
from primum.tasks import load_task
from primum.training.tunix_limits import check_tunix


class Plan(Registered):
    """The whole run, resolved and checked before the first job.

    Args:
        root: the project's folder.
        values: Snakemake's ``config`` dictionary.

    Raises:
        UserError: for whatever is wrong in a configuration file.
    """

    def __init__(self, root: Path, values: dict[str, Any]) -> None:
        self.aside, values = take_aside(root, values)
        config = load_config(values)
        super().__init__(root, config, {name: load_study(root, name, config) for name in config.studies})
        for name, study in self.studies.items():
            self._check_task(name, study)
            check_deployments(name, study)
            if name in self.corpora:
                self._check_corpus(name)
            if self.backend(name) == "tunix":
                for stage, node in study.stages.items():
                    check_tunix(stage, node, study.lora, study.mesh)

    def _check_corpus(self, name: str) -> None:
        corpus = self.corpus(name)
        for key in ("teacher", "challenger"):
            teacher = getattr(corpus, key)
            if teacher and teacher not in self.config.teachers:
                raise UserError(
                    f"study '{name}': corpus.{key} '{teacher}' is not in 'teachers'.",
                    f"Use one of {', '.join(sorted(self.config.teachers))}, or describe it in config/config.yaml.",
                )
        if not (self.root / corpus.resources).is_dir():
            raise UserError(
                f"study '{name}': corpus.resources {corpus.resources} does not exist.", "Mend the folder's name."
            )
        if corpus.resources != (source := self.dataset(name).source):
            raise UserError(
                f"study '{name}': its dataset is registered as written from {source}, not from {corpus.resources}.",
                "Mend corpus.resources, or register the corpus in config/datasets.tsv by a line of its own.",
            )

    def _check_task(self, name: str, study: Study) -> None:
        task = load_task(study.task, study.task_settings)
        for table, weights in sorted(study.rewards.items()):
            for unknown in check_table(task, weights):
                raise UserError(
                    f"study '{name}': rewards.{table} weighs '{unknown}', which task '{study.task}' does not offer.",
                    f"Use {', '.join(task.reward_outcomes)}.",
                )
            for wrong in check_signs(task, weights):
                raise UserError(f"study '{name}': rewards.{table}: {wrong}.", "Mend its sign or its value.")
        if study.guards and study.guards.sampled_outcome not in task.outcomes:
            raise UserError(
                f"study '{name}': guards.sampled_outcome '{study.guards.sampled_outcome}' is no outcome of the task.",
                f"Use one of {', '.join(task.outcomes)}.",
            )

    # --- code and environment --------------------------------------------------------------------------------------

    def code(self, script: str, study: str | None = None, *modules: str) -> list[str]:
        """Files whose content decides what ``scripts/{script}.py`` does, with the study's task and further modules."""
        modules += (f"primum.tasks.{self.studies[study].task}",) if study else ()
        return code_files(self.root, f"scripts/{script}.py", modules)

    def training_code(self, study: str) -> list[str]:
        """What decides how a study's stages are trained: the script, the task and the backend."""
        return self.code("train_stage", study, f"primum.training.{self.backend(study)}")

    def prediction_code(self, study: str) -> list[str]:
        """What decides a study's predictions."""
        return self.code("predict", study, f"primum.evaluation.predict_{self.config.predictor}")

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
        splits = {
            "dataset": self.studies[study].dataset,
            "corpus_splits": self.splits(study) if study in self.corpora else [],
            "training_splits": self.training_splits(study),
        }
        return dumps(self._task_keys(study) | {"data": data, **splits})

    def corpus_config(self, study: str) -> str:
        """For ``generate_corpus``, ``compare_teachers``, ``write_corpus`` and ``report_corpus``."""
        corpus = self.corpus(study)
        names = [name for name in (corpus.teacher, corpus.challenger) if name]
        embedded = code_sha256(self.root, code_files(self.root, "src/primum/corpora/embedded.py"))
        return dumps(
            self._task_keys(study)
            | {
                "title": self.studies[study].title,
                "corpus": corpus.model_dump(mode="json"),
                "teachers": {name: self.config.teachers[name].model_dump(mode="json") for name in names},
                "revisions": {
                    name: embedded if self.config.teachers[name].model.startswith("primum/") else "-" for name in names
                },
            }
        )

    def resource_files(self, study: str) -> list[str]:
        """The sourced facts of a corpus, for rules to depend on."""
        folder = self.root / self.corpus(study).resources
        return sorted(p.relative_to(self.root).as_posix() for p in folder.iterdir() if p.suffix in (".tsv", ".yaml"))

    def rewards_config(self, study: str) -> str:
        """For ``check_rewards``."""
        resolved = self.studies[study]
        return dumps(
            self._task_keys(study) | {"rewards": resolved.rewards, "exploitable": resolved.exploitable_rewards}
        )

    def train_config(self, study: str, stage: str, seed: str) -> str:
        """For ``train_stage``."""
        resolved = self.studies[study]
        node = resolved.stages[stage]
        table = resolved.rewards[node.rewards] if isinstance(node, GrpoStage) else None
        return dumps(
            self._task_keys(study)
            | {
                "dataset": resolved.dataset,
                "stage_name": stage,
                "seed": int(seed),
                "backend": self.backend(study),
                "mesh": resolved.mesh.model_dump(mode="json"),
                "stage": node.model_dump(mode="json"),
                "lora": resolved.lora.model_dump(mode="json"),
                "reward_table": table,
                "guards": resolved.guards.model_dump(mode="json"),
                "thinking": resolved.thinking,
                "threads": resolved.train_threads,
                "code_sha256": code_sha256(self.root, self.training_code(study)),
                "environment_sha256": self.environment_sha256(self.backend(study)),
            }
        )

    def parity_config(self, study: str) -> str:
        """For ``probe_backend``: the compared stages as they are trained, but for what decides no step."""
        seed = str(min(self.config.seeds))
        unrelated = {"code_sha256": "-", "environment_sha256": "-"}
        jobs = {
            method: json.loads(self.train_config(study, stage, seed)) | unrelated
            for method, stage in self.parity_stages(study).items()
        }
        return dumps({"study": study, "jobs": jobs})

    def predict_config(self, study: str, stage: str, seed: str, split: str) -> str:
        """For ``predict``; options are permuted on the split that claims are made on, and only there."""
        resolved = self.studies[study]
        evaluation = resolved.evaluation
        trained = list(resolved.stages.values())
        predictor = self.config.predictor
        mesh = resolved.mesh if predictor == "tunix" else Mesh()  # else it says nothing, and must not cause reruns
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
                "predictor": predictor,
                "mesh": mesh.model_dump(mode="json"),
            }
        )

    def _reward_tables(self, study: str, *stages: str) -> dict[str, Any]:
        """The fixed table and those that ``stages`` were trained with: what mean rewards are reported under."""
        resolved = self.studies[study]
        fixed = resolved.evaluation.reward_table
        nodes = [resolved.stages[stage] for stage in stages if stage != BASE_STAGE]
        names = {fixed, *(node.rewards for node in nodes if isinstance(node, GrpoStage))} - {None}
        return {"rewards": {name: resolved.rewards[name] for name in sorted(names)}, "fixed_table": fixed}

    def score_config(self, study: str, stage: str) -> str:
        """For ``score``."""
        node = self.studies[study].stages.get(stage)
        own = node.rewards if isinstance(node, GrpoStage) else None
        return dumps(self._task_keys(study) | self._reward_tables(study, stage) | {"training_table": own})

    def compare_config(self, study: str) -> str:
        """For ``compare_stages``."""
        resolved = self.studies[study]
        nodes = {stage: resolved.stages[stage] for stage in self.stages(study)[1:]}
        stages = [{"name": name, "parent": node.parent, "method": node.method} for name, node in nodes.items()]
        return dumps(
            self._task_keys(study)
            | self._reward_tables(study, *nodes)
            | {
                "stages": [{"name": BASE_STAGE, "parent": None}, *stages],
                "seeds": sorted(set(self.config.seeds)),
                "splits": resolved.evaluation.splits,
                "selection": self.selection_split(study),
                "training_splits": self.training_splits(study),
                "published": resolved.published,
                "scale": self.config.scale,
                "base": resolved.base,
                "dataset": resolved.dataset,
            }
        )

    def _study_report(self, study: str) -> dict[str, Any]:
        resolved = self.studies[study]
        stages = [(name, resolved.stages[name]) for name in self.stages(study)[1:]]
        return {
            "study": study,
            "title": resolved.title,
            "backend": self.backend(study),
            "seeds": sorted(set(self.config.seeds)),
            "splits": resolved.evaluation.splits,
            "max_new_tokens": resolved.evaluation.max_new_tokens,
            "exploitable": resolved.exploitable_rewards,
            "limitations": resolved.limitations,
            "data_record": self.data_record(study).removeprefix("results/"),
            **{key: value for key, value in self.shows(study).items() if key not in ("corpus", "deployed")},
            "deployments": [{"name": n, "of": d.of, "layer": d.layer} for n, d in resolved.deployments.items()],
            "stages": [
                {"name": n, "parent": s.parent, "method": s.method, "split": s.split, "steps": s.max_steps}
                | ({"rewards": s.rewards} if isinstance(s, GrpoStage) else {})
                for n, s in stages
            ],
        }

    def study_report_config(self, study: str) -> str:
        """For ``plot_figure`` and ``write_card``."""
        return dumps(self._study_report(study))

    def report_config(self) -> str:
        """For what reports on all studies at once: numbers, paper, report and manifest."""
        data = [
            {
                "study": study,
                "splits": self.splits(study),
                "corpus": [path.removeprefix(f"{self.study_folder(study)}/") for path in self.corpus_files(study)]
                if study in self.corpora
                else [],
            }
            for study in self.studies
        ]
        studies = [self._study_report(study) for study in self.trained]
        together = {"claims": bool(studies), "pipeline": bool(studies), "parity": self.parity}
        return dumps({"scale": self.config.scale, "studies": studies, "data": data} | together)

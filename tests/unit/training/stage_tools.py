"""A workspace for training tests: jobs, command lines, and stages trained in this process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
TABLE = {"json_valid": 1.0, "schema_valid": 1.0, "correct": 1.0}


@dataclass(frozen=True)
class Workspace:
    """Files of a small study, and how to run the scripts on them."""

    root: Path
    base: dict[str, Any]
    backend: str = "trl"

    def job(self, stage: str, **changes: Any) -> dict[str, Any]:
        """A job for ``sft`` or ``grpo``; ``changes`` to the stage's own keys, or to the job's."""
        from tests import tiny

        shared = {
            "learning_rate": 2e-3,
            "warmup_ratio": 0.1,
            "lr_scheduler_type": "linear",
            "bf16": True,
            "gradient_checkpointing": False,
        }
        sizes = {
            "max_steps": 6,
            "per_device_train_batch_size": 4,
            "gradient_accumulation_steps": 1,
            "logging_steps": 2,
            "save_steps": 2,
        }
        own: dict[str, Any] = {
            "sft": {"method": "sft", "parent": "base", "split": "sft", "max_length": 128},
            "grpo": {
                "method": "grpo",
                "parent": "sft",
                "split": "grpo",
                "rewards": "standard",
                "num_generations": 4,
                "max_completion_length": 32,
                "max_prompt_length": 96,
            },
        }[stage]
        node = shared | sizes | own
        job = {
            "study": "toy",
            "dataset": "toy-rows",
            "task": "medmcqa",
            "task_settings": tiny.TASK_SETTINGS,
            "stage_name": stage,
            "seed": 0,
            "backend": self.backend,
            "mesh": {"fsdp": 1, "tp": 1},
            "stage": node,
            "lora": {
                "r": 4,
                "alpha": 8,
                "dropout": 0.05 if self.backend == "trl" else 0.0,
                "target_modules": ["q_proj", "v_proj", "gate_proj"],
            },
            "reward_table": TABLE if stage == "grpo" else None,
            "guards": {
                "min_sampled_schema_rate": 0.05,
                "sampled_prompts": 8,
                "sampled_outcome": "schema_valid",
                "max_equal_reward_steps": 5,
            },
            "thinking": False,
            "threads": 1,
            "code_sha256": "c",
            "environment_sha256": "e",
        }
        if "of" in changes:  # 'parent' is the folder
            node["parent"] = changes.pop("of")
        job["logger"] = "none"
        for key, value in changes.items():
            (job if key in job else job["stage"])[key] = value
        return job

    def command(
        self, job: dict[str, Any], output: Path, state: Path, parent: Path | None = None, reference: Path | None = None
    ) -> list[str]:
        """The command line of ``scripts/train_stage.py``."""
        files = {"--base": "base.json", "--data": f"{job['stage']['split']}.jsonl", "--gate": "gate.json"}
        line = [sys.executable, str(ROOT / "scripts/train_stage.py"), "--config", json.dumps(job)]
        for option, value in files.items():
            line += [option, value]
        line += ["--parent", str(parent)] if parent else []
        line += ["--reference", str(reference)] if reference else []
        return [*line, "--state", str(state), "--output", str(output)]

    def run(self, line: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a script in the workspace."""
        return subprocess.run(line, cwd=self.root, env=environment(), capture_output=True, text=True, timeout=300)

    def train(
        self, stage: str, output: Path, parent: Path | None = None, reference: Path | None = None, **changes: Any
    ) -> dict[str, Any]:
        """Train in this process; return ``checkpoint.json``."""
        from primum.strict import parse
        from primum.training.base import TrainJob, train_stage

        blocks = changes.pop("blocks", ())
        job = parse(TrainJob, self.job(stage, **changes), "test")
        data = self.root / f"{job.stage.split}.jsonl"
        return train_stage(
            job,
            self.root,
            self.root / "base.json",
            data,
            parent,
            reference,
            self.root / "gate.json",
            output.parent / "state",
            output,
            blocks,
        )


def register(root: Path, splits: list[Path]) -> None:
    """A registry with the line of the toy rows, and the record of the splits that were cut from them."""
    from primum.files import sha256_file, write_json, write_text
    from primum.registry import DATASETS, DatasetEntry

    line = {"id": "toy-rows", "reader": "bundled", "columns": "medmcqa", "source": "rows", "revision": "-"}
    line |= {"sha256": "-", "answer_base": "0", "licence": "Apache-2.0", "note": "-", "purpose": "tests"}
    line |= {"sensitivity": "synthetic", "consent": "none needed: no patients", "lineage": "tests/tiny.py"}
    names = list(DatasetEntry.model_fields)
    write_text(root / DATASETS, "\t".join(names) + "\n" + "\t".join(line[name] for name in names) + "\n")
    cut = {path.stem: {"sha256": sha256_file(path)} for path in splits}
    write_json(root / "splits.json", {"source": {"dataset": "toy-rows"}, "splits": cut})


def environment() -> dict[str, str]:
    """The environment that the rules give to scripts."""
    return os.environ | {
        "PYTHONPATH": str(ROOT / "src"),
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
    }

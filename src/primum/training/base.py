"""The backend-neutral part of training: what is asked for, what is handed back, and how a stage is put on record.

A stage's folder holds ``adapter/``, ``train_log.jsonl`` and, written last, ``checkpoint.json``: the lineage that
loading verifies.
"""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from primum.config import Guards
from primum.errors import UserError
from primum.files import read_json, read_jsonl, sha256_file, sha256_json, write_json, write_jsonl
from primum.stages import BASE_STAGE, Backend, GrpoStage, Lora, Mesh, Stage
from primum.strict import Identifier, Strict
from primum.tasks import load_task
from primum.tasks.base import Example
from primum.training.carry import STATE, Carried, read_carried, write_carried
from primum.training.gate import check_gate
from primum.training.loading import ADAPTER, ADAPTER_FILES, CHECKPOINT, base_name, verify_base, verify_checkpoint
from primum.training.registered import check_registered
from primum.training.rollback import Block, choose_block
from primum.training.state import locked

LOG = "train_log.jsonl"


class TrainJob(Strict):
    """One stage to train: ``--config`` of ``scripts/train_stage.py``."""

    study: Identifier
    dataset: Identifier  # id in config/datasets.tsv: without a line there, nothing is trained
    task: str
    task_settings: dict[str, Any]
    stage_name: Identifier
    seed: Annotated[int, Field(ge=0)]
    backend: Backend
    mesh: Mesh
    stage: Stage
    lora: Lora
    reward_table: dict[str, float] | None  # component -> weight; only for GRPO
    guards: Guards
    thinking: bool
    threads: Annotated[int, Field(gt=0)]
    code_sha256: str
    environment_sha256: str
    logger: Literal["none", "trackio"] = "none"  # a viewer beside the log; never part of the result


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a backend trains from, all of it verified.

    Attributes:
        root: the project's folder.
        base: content of ``base.json``.
        parent: folder of the parent stage, or None for the base.
        reference: folder of the stage that KL is measured against, or None for the base.
        best: what the gold answer of every row earns at least; None without rewards.
        carried: what the block before this one left, where the stage continues one.
        examples: rows of the split, in file order.
        work: folder for this job's state alone; what lies there survives a kill.
    """

    root: Path
    base: dict[str, Any]
    parent: Path | None
    reference: Path | None
    carried: Carried | None
    best: float | None
    examples: list[Example]
    work: Path


@dataclass(frozen=True, slots=True)
class Trained:
    """What a backend hands back.

    Attributes:
        tensors: adapter weights by PEFT's name, as NumPy arrays.
        state: what a next block would go on from.
        adapter_config: PEFT's configuration as a dictionary.
        log: lines of ``train_log.jsonl``: no times, floats finite.
        steps: optimiser steps done.
        bf16_used: whether bfloat16 was really used.
        fp16_used: whether float16 was.
    """

    tensors: Mapping[str, Any]
    state: Carried
    adapter_config: dict[str, Any]
    log: list[dict[str, Any]]
    steps: int
    bf16_used: bool
    fp16_used: bool = False


def train_stage(
    job: TrainJob,
    root: Path,
    base_file: Path,
    data: Path,
    parent: Path | None,
    reference: Path | None,
    gate: Path,
    state: Path,
    output: Path,
    rollback: Sequence[tuple[Path, Path]] = (),
) -> dict[str, Any]:
    """Train a stage, or go on where a killed run stopped, and publish its folder.

    Args:
        job: what to train.
        root: the project's folder.
        base_file: ``base.json``.
        data: rows of the split.
        parent: folder of the parent stage; None when the parent is the base.
        reference: folder of the stage that a continued curriculum began from; None when it began from the base, or the
            stage continues nothing (then the parent is the reference).
        gate: ``rewards_check.json`` of the same data and reward table.
        state: folder for saved steps, shared by jobs: each has a sub-folder by its identity.
        output: the stage's folder.
        rollback: folder and dev metrics of every block that a stage with ``rollback: auto`` chooses among.

    Returns:
        The content of ``checkpoint.json``.

    Raises:
        UserError: if the data are not registered, an input is not what it should be, or a guard bites.
    """
    if (job.reward_table is None) == isinstance(job.stage, GrpoStage):
        raise UserError(
            f"Stage '{job.stage_name}': a reward table belongs to GRPO, and only to it.", "Mend 'reward_table'."
        )
    check_registered(root, job.dataset, data)
    best = check_gate(read_json(gate), gate.name, sha256_file(data), data.name, job.reward_table)
    base = read_json(base_file)
    verify_base(root, base)
    job, parent, rolled_back = _roll_back(job, parent, rollback)
    _check_parent(job, base, parent)
    continues = isinstance(job.stage, GrpoStage) and job.stage.continues
    reference = reference if continues else parent
    if reference is not None:
        verify_checkpoint(base, reference)
    carried = _carried(parent) if continues and parent else None
    identity = _identity(job, base, parent, reference, sha256_file(data)) | {"rollback": rolled_back}
    with locked(state, sha256_json(identity)) as work:
        published = _published(output, identity, base)
        if published is None:
            examples = [Example.from_row(row) for row in read_jsonl(data)]
            backend = importlib.import_module(f"primum.training.{job.backend}")
            trained = backend.run(job, Inputs(root, base, parent, reference, carried, best, examples, work))
            published = _publish(output, identity, base, trained)
    return published


def load_job_task(job: TrainJob) -> Any:
    """The task the job trains for."""
    return load_task(job.task, job.task_settings)


def _check_parent(job: TrainJob, base: dict[str, Any], parent: Path | None) -> None:
    wanted = job.stage.parent
    if (wanted == BASE_STAGE) != (parent is None):
        given = "none was given" if parent is None else f"{parent} was given"
        raise UserError(
            f"Stage '{job.stage_name}' has parent '{wanted}', but {given}.",
            "Give --parent exactly when the parent is a stage.",
        )
    if parent is None:
        return
    checkpoint = verify_checkpoint(base, parent)
    found = (checkpoint["study"], checkpoint["stage"], checkpoint["config"]["lora"])
    if found != (job.study, wanted, job.lora.model_dump(mode="json")):
        raise UserError(
            f"{parent} holds stage '{found[1]}' of study '{found[0]}' with LoRA {found[2]}, "
            f"not parent '{wanted}' of '{job.study}' with the same LoRA.",
            "An adapter is continued, never reshaped: give the parent stage's own folder.",
        )


def _roll_back(
    job: TrainJob, parent: Path | None, rollback: Sequence[tuple[Path, Path]]
) -> tuple[TrainJob, Path | None, dict[str, Any] | None]:
    """The job as it is trained: with ``rollback: auto``, on the last good block instead of a parent that fell."""
    if not isinstance(job.stage, GrpoStage) or job.stage.rollback == "off":
        return job, parent, None
    if not rollback or rollback[-1][0] != parent:
        raise UserError(f"Stage '{job.stage_name}' rolls back, but its blocks were not given.", "Give --blocks.")
    blocks = [Block(read_json(folder / CHECKPOINT)["stage"], folder, metrics) for folder, metrics in rollback]
    chosen, record = choose_block(blocks, load_job_task(job).metrics[0].name)
    if record:
        print(
            f"primum: stage '{job.stage_name}' goes on from '{chosen.stage}', not from '{record['from']}': "
            f"{record['metric']} on dev, {record['value']:.3f}, fell under {record['low']:.3f}-{record['high']:.3f}.",
            file=sys.stderr,
            flush=True,
        )
    stage = job.stage.model_copy(update={"parent": chosen.stage})
    return job.model_copy(update={"stage": stage}), chosen.folder, record


def _carried(parent: Path) -> Carried:
    """What the parent left for the next block, checked against its record."""
    if sha256_file(parent / STATE) != read_json(parent / CHECKPOINT)["training_state"]:
        raise UserError(
            f"{parent / STATE} is not the file on record (sha256 differs).", "Train the parent stage again."
        )
    return read_carried(parent / STATE)


def _identity(
    job: TrainJob, base: dict[str, Any], parent: Path | None, reference: Path | None, data_sha256: str
) -> dict[str, Any]:
    """What decides the result: everything of ``checkpoint.json`` that is known before training."""
    config = job.model_dump(
        mode="json", include={"task", "task_settings", "stage", "lora", "guards", "thinking", "threads", "mesh"}
    )
    config["rewards"] = job.reward_table
    return {
        "study": job.study,
        "stage": job.stage_name,
        "method": job.stage.method,
        "seed": job.seed,
        "backend": job.backend,
        "base": {"id": base["id"], "sha256": base["sha256"]},
        "parent": parent and {"stage": job.stage.parent, "sha256": sha256_file(parent / CHECKPOINT)},
        "reference": reference and sha256_file(reference / CHECKPOINT),
        "data": {"dataset": job.dataset, "split": job.stage.split, "sha256": data_sha256},
        "config": config,
        "config_sha256": sha256_json(config),
        "code_sha256": job.code_sha256,
        "environment_sha256": job.environment_sha256,
    }


def _published(output: Path, identity: dict[str, Any], base: dict[str, Any]) -> dict[str, Any] | None:
    """The checkpoint on record, if it is the one asked for: another process may have finished it meanwhile."""
    if not all((output / name).is_file() for name in (CHECKPOINT, LOG, STATE)):
        return None
    checkpoint = read_json(output / CHECKPOINT)
    if {key: checkpoint.get(key) for key in identity} != identity:
        return None
    try:
        return verify_checkpoint(base, output)
    except UserError:
        return None


def _publish(output: Path, identity: dict[str, Any], base: dict[str, Any], trained: Trained) -> dict[str, Any]:
    """Write the stage's folder; ``checkpoint.json`` comes last, so a half-written folder is never taken for whole."""
    from safetensors.numpy import save_file

    output.mkdir(parents=True, exist_ok=True)
    (output / CHECKPOINT).unlink(missing_ok=True)
    shutil.rmtree(output / ADAPTER, ignore_errors=True)
    fresh = output / f".{ADAPTER}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    save_file(
        {name: trained.tensors[name] for name in sorted(trained.tensors)},
        fresh / "adapter_model.safetensors",
        {"format": "pt"},
    )
    write_json(fresh / "adapter_config.json", adapter_config(trained.adapter_config, base))
    fresh.rename(output / ADAPTER)
    write_jsonl(output / LOG, trained.log)
    write_carried(output / STATE, trained.state)
    hashes = {name: sha256_file(output / ADAPTER / name) for name in ADAPTER_FILES}
    checkpoint = identity | {
        "adapter": hashes,
        "training_state": sha256_file(output / STATE),
        "bf16_used": trained.bf16_used,
        "fp16_used": trained.fp16_used,
        "steps": trained.steps,
    }
    write_json(output / CHECKPOINT, checkpoint)
    return checkpoint


def adapter_config(config: Mapping[str, Any], base: dict[str, Any]) -> dict[str, Any]:
    """PEFT's configuration, byte-stable (it keeps sets, whose order varies) and naming the base as the project does."""
    stable = {key: sorted(value) if isinstance(value, set | frozenset) else value for key, value in config.items()}
    return stable | {"base_model_name_or_path": base_name(base), "inference_mode": True}

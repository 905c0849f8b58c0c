"""One side's part of the comparison: loss and gradient of one step, the gradient by PEFT's tensor names."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from primum.files import atomic_write, read_json, write_json
from primum.parity.cases import Case, Method, ParityConfig, Side, build_case, changed_policy, facts, probe_job
from primum.training.base import Inputs
from primum.training.loading import load_tokenizer, verify_base, verify_checkpoint

_BETA1 = 0.9  # of Adam, in both backends: after the first step its first moment is (1 - beta1) times the gradient


@dataclass(frozen=True, slots=True)
class Step:
    """What one training step came to.

    Attributes:
        loss: in nats for SFT.
        gradient: of the loss by every adapter weight, float32 or float64, by PEFT's tensor names.
    """

    loss: float
    gradient: Mapping[str, Any]


def probe(
    config: ParityConfig,
    side: Side,
    root: Path,
    base_file: Path,
    stage: Path,
    data: Mapping[Method, Path],
    output: Path,
) -> None:
    """Write ``{side}.json`` (losses and hashes) and ``{side}.npz`` (gradients) below ``output``.

    Args:
        config: study and stages.
        side: whose step: a backend's, or 'plain', the reference's.
        root: the project's folder.
        base_file: ``base.json``.
        stage: folder of the trained stage whose adapter, changed, is the policy.
        data: rows of each method's split.
        output: folder.
    """
    base = read_json(base_file)
    verify_base(root, base)
    verify_checkpoint(base, stage)
    module = importlib.import_module(f"primum.parity.side_{side}")
    found: dict[str, Any] = {"study": config.study, "side": side, "unsupported": module.unsupported(root, base)}
    arrays: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="primum-parity-") as name:
        scratch = Path(name)
        policy = changed_policy(stage, scratch / "policy")
        for method, whole in {} if found["unsupported"] else sorted(config.jobs.items()):
            tokenizer = load_tokenizer(base, root)
            case = build_case(probe_job(whole, side), data[method], tokenizer)
            work = scratch / method
            work.mkdir()
            inputs = Inputs(root, base, policy, stage, None, None, case.examples, work)
            steps = module.steps(case, inputs)
            for label, step in steps.items():
                arrays |= {f"{label}/{tensor}": value for tensor, value in step.gradient.items()}
            found[method] = facts(case, tokenizer) | {"loss": {label: step.loss for label, step in steps.items()}}
    write_arrays(output / f"{side}.npz", arrays)
    write_json(output / f"{side}.json", found)


def backend_step(backend: Any, case: Case, inputs: Inputs, answering: AbstractContextManager[Any]) -> dict[str, Step]:
    """The step as the backend trains it: its whole ``run``, but for the completions, which ``answering`` gives."""
    if case.answers:
        write_json(inputs.work / "sampled.json", {"rate": 1.0})  # the guard before GRPO would sample
    with answering:
        trained = backend.run(case.job, inputs)
    loss = next(line["loss"] for line in trained.log if "loss" in line)
    gradient = {name: value / (1 - _BETA1) for name, value in trained.state.exp_avg.items()}
    return {case.job.stage.method: Step(loss, gradient)}


def write_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write an ``.npz``, whole or not at all; equal arrays give equal bytes."""
    import numpy as np

    with atomic_write(path, "wb") as handle:
        np.savez(handle, **dict(sorted(arrays.items())))

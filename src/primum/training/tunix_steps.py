"""What happens between two optimiser steps under Tunix: learning rate, log, guards, saved steps. Ours, not Orbax's.

It stands in the place of Tunix' checkpoint manager, which is called after every step. Two of Tunix' defects go with
what it replaces: resuming with ``num_iterations`` above 1 skips too much data, and the forced last checkpoint forgets
the step. A saved step is what a block hands to the next (:mod:`primum.training.carry`), so both go on in the same way.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import optax
from flax import nnx

from primum.files import read_jsonl, write_jsonl
from primum.stages import GrpoStage, SftStage
from primum.training import guards
from primum.training.base import Inputs, TrainJob
from primum.training.carry import STATE, Carried, read_carried, write_carried
from primum.training.progress import Progress
from primum.training.schedule import learning_rate
from primum.training.state import latest_complete, mark_complete
from primum.training.tunix_lora import adapter_of, everywhere, moments_of, read_adapter, set_adapter, set_moments

_KEPT = 2  # saved steps
_LOG = "log.jsonl"


def make_optimizer(stage: SftStage | GrpoStage) -> optax.GradientTransformation:
    """PyTorch's AdamW with clipping by global norm; the learning rate is state, so no schedule is compiled in."""

    def build(learning_rate: float) -> optax.GradientTransformation:
        return optax.chain(
            optax.clip_by_global_norm(stage.max_grad_norm),
            optax.scale_by_adam(b1=0.9, b2=0.999, eps=1e-8),
            optax.add_decayed_weights(stage.weight_decay),
            optax.scale_by_learning_rate(learning_rate),
        )

    return optax.inject_hyperparams(build)(learning_rate=0.0)


class Steps:
    """Saved steps, log and guards of one job.

    Args:
        job: what is trained.
        inputs: ``work`` holds the saved steps of a killed run; ``carried`` is what the block before left.
        model: takes the saved adapter, where there is one.

    Attributes:
        first: optimiser steps of the curriculum before this stage.
        done: steps of this stage that are already done.
        history: lines of the log so far.
        extra: what GRPO adds to the next line.
    """

    def __init__(self, job: TrainJob, inputs: Inputs, model: nnx.Module) -> None:
        self.job, self.work, self.best, self.model = job, inputs.work, inputs.best, model
        self.first = inputs.carried.step if inputs.carried else 0
        self.done, self.history, self._carried = 0, [], inputs.carried
        self.extra: Callable[[], dict[str, Any]] = dict
        self.trainer: Any = None
        if saved := latest_complete(self.work):
            self._carried = read_carried(saved / STATE)
            self.done = self._carried.step - self.first
            self.history = list(read_jsonl(saved / _LOG))
            set_adapter(model, read_adapter(saved))
        name = f"{job.study} {job.stage_name} seed{job.seed}"
        self.progress = Progress(name, self.first + job.stage.max_steps, list(job.reward_table or {}))

    def attach(self, trainer: Any, iterations: int) -> None:
        """Take over a ``PeftTrainer``: its saved steps, its counters, Adam's moments.

        Args:
            trainer: the trainer, at its beginning.
            iterations: micro-batches a step.
        """
        self.trainer, self.model = trainer, trainer.model
        trainer.checkpoint_manager = self
        trainer._train_steps, trainer._iter_steps = self.done, self.done * iterations
        if self._carried is not None:
            set_moments(trainer.optimizer, self._carried, trainer.model)
        self._set_rate(self.done)
        self.progress.begin(self.first + self.done)

    def state(self) -> Carried:
        """What a next block goes on from."""
        moments = moments_of(self.trainer.optimizer, self.trainer.model)
        return Carried(self.first + self.trainer.train_steps, *moments)

    # --- the part of tunix.sft.checkpoint_manager.CheckpointManager that the trainer calls ---------------------------

    def save(self, step: int, *_: Any, **__: Any) -> None:
        """After every optimiser step: log, guard, save, and set the next step's learning rate."""
        stage, last = self.job.stage, step == self.job.stage.max_steps
        metrics = self.trainer._prev_buffered_train_metrics  # this step's: the trainer has just moved them there
        entry = {
            "step": self.first + step,
            "loss": float(metrics.loss),
            "grad_norm": float(np.mean(jax.device_get(metrics.additional_metrics["grad_norm"][0]))),
            "learning_rate": learning_rate(stage, self.first + step - 1),
            **self.extra(),
        }
        save = step % stage.save_steps == 0
        if step % stage.logging_steps == 0 or save or last:
            self.history.append({key: _plain(value) for key, value in entry.items()})
            self.progress.logged(entry)
            guards.check_log(self.history, self.job.guards, self.best)
        if save and not last:
            self._save(step)
        self._set_rate(step)

    def maybe_restore(self, *_: Any, **__: Any) -> tuple[int, dict[str, Any]]:
        """Nothing: :meth:`attach` restores."""
        return self.done, {}

    def latest_step(self) -> int:
        """So that the trainer saves no step of its own at its end."""
        return self.trainer.train_steps

    def close(self) -> None:
        """Nothing is open."""

    def _set_rate(self, done: int) -> None:
        rate = np.float32(learning_rate(self.job.stage, self.first + done))
        state = self.trainer.optimizer.opt_state
        inner = getattr(state, "inner_opt_state", state)  # below optax.MultiSteps, where gradients are accumulated
        variable = inner.hyperparams["learning_rate"]
        variable.set_value(everywhere(rate, self.model))

    def _save(self, step: int) -> None:
        from safetensors.numpy import save_file

        folder = self.work / f"checkpoint-{step}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        save_file(dict(sorted(adapter_of(self.model).items())), folder / "adapter_model.safetensors")
        write_carried(folder / STATE, self.state())
        write_jsonl(folder / _LOG, self.history)
        mark_complete(folder)
        saved = sorted(self.work.glob("checkpoint-*"), key=lambda path: int(path.name.partition("-")[2]))
        for old in saved[:-_KEPT]:
            shutil.rmtree(old)


def _plain(value: Any) -> Any:
    """The shortest decimal that is the same float32: equal runs give equal lines."""
    return float(str(np.float32(value))) if isinstance(value, float) else value

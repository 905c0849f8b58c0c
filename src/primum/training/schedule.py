"""The learning rate over a run: one function for both backends, so that blocks of a curriculum meet without a seam."""

from __future__ import annotations

import math

from primum.stages import GrpoStage, SftStage


def schedule_steps(stage: SftStage | GrpoStage) -> int:
    """Steps that the schedule spans: those of the whole curriculum for its blocks, else the stage's own."""
    whole = stage.schedule_steps if isinstance(stage, GrpoStage) else None
    return whole or stage.max_steps


def learning_rate(stage: SftStage | GrpoStage, step: int) -> float:
    """Learning rate of optimiser step ``step``, counted from 0 at the beginning of the curriculum.

    As ``transformers.get_scheduler`` has it: linear warm-up from 0 over ``warmup_ratio`` of the steps (rounded up),
    then constant, linear to 0, or half a cosine to 0.
    """
    total = schedule_steps(stage)
    warmup = math.ceil(stage.warmup_ratio * total)
    kind = stage.lr_scheduler_type
    if kind != "constant" and step < warmup:
        return stage.learning_rate * step / warmup
    progress = min(1.0, (step - warmup) / max(1, total - warmup))
    factor = {"linear": 1.0 - progress, "cosine": 0.5 * (1.0 + math.cos(math.pi * progress))}.get(kind, 1.0)
    return stage.learning_rate * factor

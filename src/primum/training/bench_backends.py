"""How long each backend takes for the same work: until its first step, and from step to step."""

from __future__ import annotations

import importlib
import statistics
import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch

from primum.training.bench import Work, tokens_a_step
from primum.training.progress import Progress
from primum.training.tunix import COMPILED

_UNCOUNTED = 2  # steps at the beginning


def measure(work: Work, steps: int, cache: Path | None = None) -> dict[str, float]:
    """Train ``steps`` counted steps by the job's backend, whole and as in a study, in this process.

    Both backends log after every step, when its loss has been computed: that is the clock.

    Args:
        work: a job, its data, a scratch folder that is empty.
        steps: counted steps.
        cache: where JAX keeps compiled programs, instead of the project's.

    Returns:
        ``first``: seconds from the call to the end of the first step (loading, GRPO's guard, compiling, the step
        itself); ``step``: median seconds of the counted steps; ``cpu``: the same in CPU seconds, which other work on
        the machine hardly moves; SFT: ``tokens``, tokens a second, without padding.
    """
    job = work.job.model_copy(
        update={
            "stage": work.job.stage.model_copy(
                update={"max_steps": steps + _UNCOUNTED, "save_steps": 2 * (steps + _UNCOUNTED), "logging_steps": 1}
            )
        }
    )
    ends: list[tuple[float, float]] = []

    def logged(self: Progress, entry: Mapping[str, Any]) -> None:
        ends.append((time.monotonic(), time.process_time()))

    backend = importlib.import_module(f"primum.training.{job.backend}")
    start = time.monotonic()
    with (
        patch.object(Progress, "logged", logged),
        patch("primum.training.tunix.COMPILED", str(cache or COMPILED)),
    ):
        backend.run(job, work.inputs)
    counted = list(pairwise(ends[_UNCOUNTED - 1 :]))
    step, cpu = (statistics.median(after[clock] - before[clock] for before, after in counted) for clock in (0, 1))
    found = {"first": ends[0][0] - start, "step": step, "cpu": cpu}
    return found | ({"tokens": tokens_a_step(work) / step} if job.stage.method == "sft" else {})


def table(found: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Lines: quantities down, runs across.

    Args:
        found: ``{run: {quantity: value}}``, all with the same quantities.
    """
    runs: Sequence[str] = list(found)
    lines = [f"{'':42}" + "".join(f"{run:>16}" for run in runs)]
    for quantity in found[runs[0]]:
        lines.append(f"{quantity:42}" + "".join(f"{found[run][quantity]:16.2f}" for run in runs))
    return lines

"""The training loop of the tiny bases: Muon for matrices and AdamW for the rest, phase by phase."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

SEED = 0


@dataclass(frozen=True)
class Phase:
    """Steps on one mix of documents; the learning rate falls linearly to 0 over the last ``anneal`` share."""

    name: str
    steps: int
    mix: dict[str, float]
    anneal: float = 0.0
    rows: int = 128  # documents a step


@dataclass(frozen=True)
class Rates:
    """Peak learning rates, and how they are held in check."""

    muon: float = 0.012
    adamw: float = 3.0e-3
    warmup: int = 50
    clip: float = 1.0


def optimise(
    model: Any, phases: Iterable[Phase], rates: Rates, loss_of: Callable[[Phase], Any], watch: Callable[[], str]
) -> None:
    """Train ``model`` in place.

    Args:
        model: any causal language model.
        phases: one after the other.
        rates: of both optimisers.
        loss_of: the loss on a fresh batch of a phase.
        watch: what to print beside the loss, to stderr, every hundred steps.
    """
    import torch

    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    others = [p for n, p in model.named_parameters() if p.ndim != 2 or "embed" in n]
    optimisers = [
        torch.optim.Muon(matrices, lr=rates.muon, weight_decay=0.0),
        torch.optim.AdamW(others, lr=rates.adamw, betas=(0.9, 0.98), weight_decay=0.0),
    ]
    peaks = [rates.muon, rates.adamw]
    started, done = time.monotonic(), 0
    for phase in phases:
        model.train()
        for step in range(phase.steps):
            left = (phase.steps - step) / (phase.steps * phase.anneal) if phase.anneal else 1.0
            scale = min(1.0, (done + 1) / rates.warmup, left)
            for optimiser, peak in zip(optimisers, peaks, strict=True):
                optimiser.param_groups[0]["lr"] = peak * scale
            loss = loss_of(phase)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), rates.clip)
            for optimiser in optimisers:
                optimiser.step()
                optimiser.zero_grad(set_to_none=True)
            done += 1
            if done % 100 == 0 or step == phase.steps - 1:
                model.eval()
                seen = watch()
                model.train()
                print(
                    f"[pretrain {phase.name}] step {done} loss {loss.item():.3f} {seen} "
                    f"{time.monotonic() - started:.0f} s",
                    file=sys.stderr,
                    flush=True,
                )
    model.eval()

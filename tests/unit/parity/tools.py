"""One side's step on the trainers' workspace, and the reference dressed as a backend."""

from __future__ import annotations

from pathlib import Path

from primum.parity.cases import ParityConfig
from primum.parity.probe import probe
from primum.parity.report import Found, read_side
from primum.strict import parse


def probed(workspace, stage: Path, folder: Path, side: str, methods=("sft", "grpo"), **changes) -> Found:
    """What ``side`` writes; ``changes`` go to every job's stage."""
    jobs = {method: workspace.job(method, **changes) for method in methods}
    config = parse(ParityConfig, {"study": "toy", "jobs": jobs}, "test")
    data = {method: workspace.root / f"{method}.jsonl" for method in methods}
    probe(config, side, workspace.root, workspace.root / "base.json", stage, data, folder)
    return read_side(folder, side)


def standing_in(plain: Found, side: str) -> Found:
    """The reference as if a backend had found it."""
    facts, gradients = dict(plain.facts), {}
    for method in ("sft", "grpo"):
        if method in facts:
            label = method if method == "sft" else f"grpo@{side}"
            facts[method] = facts[method] | {"loss": {method: facts[method]["loss"][label]}}
            gradients[method] = plain.gradients[label]
    return Found(facts, gradients)

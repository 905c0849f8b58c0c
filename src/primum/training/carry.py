"""What a block of a curriculum hands to the next besides its adapter: Adam's moments and the step, by PEFT's names.

One file for both backends; it also is what a killed Tunix run goes on from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from primum.errors import UserError

STATE = "training_state.safetensors"
_MOMENTS = ("exp_avg", "exp_avg_sq")


@dataclass(frozen=True, slots=True)
class Carried:
    """State of a run between two optimiser steps.

    Attributes:
        step: optimiser steps done since the curriculum began.
        exp_avg: Adam's first moments by PEFT's tensor name (NumPy arrays, float32).
        exp_avg_sq: Adam's second moments.
    """

    step: int
    exp_avg: Mapping[str, Any]
    exp_avg_sq: Mapping[str, Any]


def write_carried(path: Path, state: Carried) -> None:
    """Write the state; equal states give equal bytes."""
    from safetensors.numpy import save_file

    tensors = {
        f"{moment}/{name}": getattr(state, moment)[name] for moment in _MOMENTS for name in sorted(state.exp_avg)
    }
    save_file(tensors, path, {"step": str(state.step)})


def read_carried(path: Path) -> Carried:
    """Read a state.

    Raises:
        UserError: if the file is not there or not whole.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as stored:
            step = int(stored.metadata()["step"])
            moments = {
                moment: {
                    name.partition("/")[2]: stored.get_tensor(name)
                    for name in stored.keys()  # noqa: SIM118 - not a dictionary
                    if name.startswith(f"{moment}/")
                }
                for moment in _MOMENTS
            }
    except (OSError, SafetensorError, KeyError, TypeError) as error:
        raise UserError(f"{path} holds no training state ({error}).", "Train the parent stage again.") from None
    return Carried(step, moments["exp_avg"], moments["exp_avg_sq"])

"""One line a logged step for whoever watches, and the lines of ``train_log.jsonl``."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

# Times, and counters that a resumed run starts anew, would make two equal runs differ.
_VOLATILE = frozenset(("epoch", "num_tokens", "total_flos", "step_time", "mfu"))
_SUMMARY = "train_runtime"  # transformers' closing entry


def log_lines(history: Sequence[Mapping[str, Any]], first: int) -> list[dict[str, Any]]:
    """The trainer's history without what differs between equal runs, its steps counted on from ``first``."""
    kept = [{key: value for key, value in entry.items() if key not in _VOLATILE} for entry in history]
    return [entry | {"step": first + entry["step"]} for entry in kept if _SUMMARY not in entry]


class Progress:
    """Prints ``[study stage seed] step 20/60 loss 0.41 eta 12s`` to stderr.

    Args:
        name: what stands in brackets.
        steps: steps in all.
        components: reward components to show, in the table's order.
    """

    def __init__(self, name: str, steps: int, components: Sequence[str] = ()) -> None:
        self.name, self.steps, self.components = name, steps, components
        self.start: tuple[float, int] | None = None

    def begin(self, step: int) -> None:
        """Start the clock at ``step``, which is not 0 in a resumed run."""
        self.start = (time.monotonic(), step)
        self.say(f"resuming at step {step}" if step else f"{self.steps} steps")

    def logged(self, entry: Mapping[str, Any]) -> None:
        """Show a logged step."""
        step = int(entry["step"])
        parts = [f"step {step}/{self.steps}"]
        if "reward" in entry:
            parts.append(f"reward {entry['reward']:.2f}")
            parts += [f"{name} {entry[f'rewards/{name}/mean']:.2f}" for name in self.components]
        parts.append(f"loss {entry['loss']:.4g}")
        parts += [
            f"{short} {entry[key]:.3g}"
            for key, short in (("mean_token_accuracy", "accuracy"), ("learning_rate", "lr"))
            if key in entry
        ]
        if self.start and step > self.start[1]:
            seconds = (time.monotonic() - self.start[0]) / (step - self.start[1]) * (self.steps - step)
            parts.append(f"eta {_duration(seconds)}")
        self.say(" ".join(parts))

    def say(self, text: str) -> None:
        """Print one line."""
        print(f"[{self.name}] {text}", file=sys.stderr, flush=True)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m" if hours else f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"

"""The predictor of PyTorch and Transformers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from primum.evaluation.generate import generate_batch
from primum.evaluation.predictor import Generated, Host, generated
from primum.training.loading import load_model, use_threads
from primum.training.sampling import sample


class HfPredictor:
    """Base and adapter as a Transformers model; in float32 the adapter is merged in memory."""

    def __init__(self, root: Path, base: dict[str, Any], checkpoint: Path | None, host: Host) -> None:
        use_threads(host.threads)
        self.model, self.tokenizer = load_model(root, base, checkpoint, bf16=host.bf16)
        if checkpoint is not None and self.model.dtype.itemsize == 4:
            self.model = self.model.merge_and_unload()  # a third of the time a token; weights change by rounding alone

    def generate(
        self, prompts: Sequence[Sequence[int]], letters: dict[str, tuple[int, ...]], max_new_tokens: int
    ) -> list[Generated]:
        """See :class:`primum.evaluation.predictor.Predictor`."""
        return generate_batch(self.model, self.tokenizer, prompts, letters, max_new_tokens)

    def sample(
        self, prompts: Sequence[Sequence[int]], max_new_tokens: int, temperature: float, seed: int
    ) -> list[Generated]:
        """See :class:`primum.evaluation.predictor.Predictor`."""
        rows = sample(self.model, self.tokenizer, prompts, max_new_tokens, temperature, None, (seed,))
        return [generated(self.tokenizer, row, {}) for row in rows]


load = HfPredictor

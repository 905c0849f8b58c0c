"""What every predictor offers, and what predictors share. Each is a module ``primum.evaluation.predict_{name}``.

They are loaded by name, so that predictions depend on the code of the one that made them and on no other's.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from primum.errors import UserError
from primum.stages import Mesh
from primum.training.loading import encode, stop_ids
from primum.training.sampling import decode

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from primum.tasks.base import Choices

PredictorName = Literal["hf", "tunix"]


@dataclass(frozen=True, slots=True)
class Generated:
    """What the model made of one prompt.

    Attributes:
        completion: decoded tokens before the end token. Nothing else is taken away: a left-over ``<think>`` stays.
        tokens: generated tokens, the end token included.
        finished: whether the end token came.
        letter_logprobs: log-probability of each letter after the prompt and the choices' prefix, in nats.
    """

    completion: str
    tokens: int
    finished: bool
    letter_logprobs: dict[str, float]


@dataclass(frozen=True, slots=True)
class Host:
    """How to compute.

    Attributes:
        threads: CPU threads.
        bf16: whether bfloat16 is asked for; used where the hardware has it.
        mesh: devices of a JAX predictor.
        batch_size: prompts that :meth:`Predictor.generate` is given at most.
    """

    threads: int
    bf16: bool
    mesh: Mesh
    batch_size: int


class Predictor(Protocol):
    """A model, loaded and verified."""

    tokenizer: PreTrainedTokenizerBase

    def generate(
        self, prompts: Sequence[Sequence[int]], letters: dict[str, tuple[int, ...]], max_new_tokens: int
    ) -> list[Generated]:
        """Complete ``prompts`` greedily and score the letters.

        Args:
            prompts: token ids, one list a row, none empty.
            letters: from :func:`continuations`; empty for none.
            max_new_tokens: limit, the end token included.

        Returns:
            One :class:`Generated` a prompt, in order.
        """
        ...

    def sample(
        self, prompts: Sequence[Sequence[int]], max_new_tokens: int, temperature: float, seed: int
    ) -> list[Generated]:
        """Complete ``prompts`` by drawing from the whole vocabulary; the same seed draws the same."""
        ...


def load_predictor(
    name: PredictorName, root: Path, base: dict[str, Any], checkpoint: Path | None, host: Host
) -> Predictor:
    """Load base and adapter, both verified, into the predictor ``name``.

    Args:
        name: which one.
        root: the project's folder.
        base: content of ``base.json``.
        checkpoint: the stage's folder, or None for the bare base.
        host: how to compute.

    Raises:
        UserError: if base or adapter are not what their records say, or this environment lacks the predictor.
    """
    try:
        return importlib.import_module(f"primum.evaluation.predict_{name}").load(root, base, checkpoint, host)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("torch", "peft", "jax", "flax", "qwix", "tunix"):
            raise
        env = {"hf": "trl", "tunix": "tunix"}[name]
        raise UserError(
            f"Predictor '{name}' needs {error.name}, which this environment has not.",
            f"Use the environment of envs/{env}.yaml, or another predictor.",
        ) from None


def continuations(tokenizer: PreTrainedTokenizerBase, choices: Choices) -> dict[str, tuple[int, ...]]:
    """``{letter: tokens of prefix + letter}``, tokenised together: a letter may melt into what stands before it."""
    return {letter: tuple(encode(tokenizer, choices.prefix + letter)) for letter in choices.letters}


def shared_length(sequences: list[tuple[int, ...]]) -> int:
    """Length of the common prefix, short of the last token of any sequence."""
    length = 0
    shortest = min((len(s) for s in sequences), default=0)
    while length < shortest - 1 and len({s[length] for s in sequences}) == 1:
        length += 1
    return length


def generated(tokenizer: PreTrainedTokenizerBase, row: Sequence[int], letters: dict[str, float]) -> Generated:
    """A row of tokens, up to and with the end token if there is one, as every predictor reports it."""
    return Generated(decode(tokenizer, row), len(row), row[-1] in stop_ids(tokenizer), letters)

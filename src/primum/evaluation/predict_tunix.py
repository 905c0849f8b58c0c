"""The predictor of Tunix on JAX, for hosts whose accelerator only JAX knows. In float32 it says what the other says."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from primum.evaluation.predictor import Generated, Host, generated, shared_length
from primum.stages import Lora
from primum.training.loading import ADAPTER, load_tokenizer, stop_ids, verify_base, verify_checkpoint
from primum.training.sampling import fold
from primum.training.tunix_host import bf16_available, start_jax

_MULTIPLE = 16  # of tokens: prompts are padded to few widths, since each is compiled anew
_NO_TOKEN = -1


class NoTokens:
    """Stands where Tunix wants a tokenizer: prompts are token ids already, and what pads them is no token at all.

    Tunix knows padding by its id, in prompts and in what has been generated. A token of the vocabulary in this role
    would be hidden from the model wherever a prompt or a completion has it.
    """

    def encode(self, text: str) -> list[int]:
        raise NotImplementedError

    def decode(self, ids: Sequence[int]) -> str:
        return ""  # the text is decoded from the tokens, as everywhere

    def bos_id(self) -> int:
        return _NO_TOKEN

    def eos_id(self) -> int:
        return _NO_TOKEN

    def pad_id(self) -> int:
        return _NO_TOKEN


class TunixPredictor:
    """Base and adapter as a Tunix model on a mesh.

    Every batch has the same number of rows and, as far as it goes, the same width: batches come the longest first.
    """

    def __init__(self, root: Path, base: dict[str, Any], checkpoint: Path | None, host: Host) -> None:
        folder = verify_base(root, base)
        record = None if checkpoint is None else verify_checkpoint(base, checkpoint)
        self.mesh = start_jax(root, host.mesh, host.threads, host.bf16)
        import jax
        from flax import nnx

        from primum.training.tunix_lora import add_lora, read_adapter, set_adapter
        from primum.training.tunix_model import load_base
        from primum.training.tunix_sampler import keep_last_logits

        self.tokenizer = load_tokenizer(base, root)
        self.rows, self.shares = host.batch_size, host.mesh.fsdp
        self.width, self._sampler = 0, None
        with self.mesh:
            self.model = load_base(folder, self.mesh, host.bf16 and bf16_available())
            if checkpoint is not None and record is not None:
                lora = Lora.model_validate(record["config"]["lora"] | {"dropout": 0.0})  # dropout is for training
                self.model = add_lora(self.model, lora, seed=0)
                set_adapter(self.model, read_adapter(checkpoint / ADAPTER))
        keep_last_logits(self.model)
        graph, self._state = nnx.split(self.model)
        self._tail_logprobs = jax.jit(functools.partial(_tail_logprobs, graph))

    def generate(
        self, prompts: Sequence[Sequence[int]], letters: dict[str, tuple[int, ...]], max_new_tokens: int
    ) -> list[Generated]:
        """See :class:`primum.evaluation.predictor.Predictor`."""
        padded = self._padded(prompts)
        scores = self._score_letters(padded, letters)
        return self._complete(padded, max_new_tokens, scores[: len(prompts)])

    def sample(
        self, prompts: Sequence[Sequence[int]], max_new_tokens: int, temperature: float, seed: int
    ) -> list[Generated]:
        """See :class:`primum.evaluation.predictor.Predictor`."""
        import jax

        key = jax.random.PRNGKey(fold((seed,)) % 2**31)
        none: list[dict[str, float]] = [{} for _ in prompts]
        padded = self._padded(prompts)
        return self._complete(padded, max_new_tokens, none, temperature=temperature, top_p=1.0, seed=key)

    def _padded(self, prompts: Sequence[Sequence[int]]) -> list[Sequence[int]]:
        """As many rows as every batch has, the last one repeated; a number that the mesh shares out evenly."""
        self.width = max(self.width, -(-max(map(len, prompts)) // _MULTIPLE) * _MULTIPLE)
        rows = -(-max(self.rows, len(prompts)) // self.shares) * self.shares
        return [*prompts, *[prompts[-1]] * (rows - len(prompts))]

    def _complete(
        self, padded: list[Sequence[int]], limit: int, scores: list[dict[str, float]], **drawing: Any
    ) -> list[Generated]:
        """Completions of the first ``len(scores)`` rows, greedy unless ``drawing`` says otherwise."""
        sampler, ends = self._sampler_of(self.width + limit), stop_ids(self.tokenizer)
        sampler.prompts = padded
        with self.mesh:
            output = sampler(
                [str(row) for row in range(len(padded))],
                max_generation_steps=limit,
                max_prompt_length=self.width,
                eos_tokens=ends,
                **drawing,
            )
        made = []
        for tokens, row_scores in zip(output.tokens, scores, strict=False):
            row = [int(token) for token in tokens]  # Tunix leaves the end token out, and does not tell which it was
            made.append(generated(self.tokenizer, row if len(row) == limit else [*row, ends[0]], row_scores))
        return made

    def _sampler_of(self, size: int) -> Any:
        """A sampler with a cache of ``size`` tokens a row: the last one where it fits, which has compiled already."""
        from tunix.generate.sampler import CacheConfig

        from primum.training.tunix_sampler import PromptSampler

        if self._sampler is None or self._sampler.cache_config.cache_size != size:
            config = self.model.config
            cache = CacheConfig(size, config.num_layers, config.num_kv_heads, config.head_dim)
            self._sampler = PromptSampler(self.model, NoTokens(), cache)
        return self._sampler

    def _score_letters(
        self, padded: list[Sequence[int]], letters: dict[str, tuple[int, ...]]
    ) -> list[dict[str, float]]:
        """Sum of log-probabilities of the tokens in which a letter's continuation differs from the others'."""
        import numpy as np

        scores: list[dict[str, float]] = [{} for _ in padded]
        shared = shared_length(list(letters.values()))
        for body in sorted({tokens[:-1] for tokens in letters.values()}):
            names = [letter for letter, tokens in letters.items() if tokens[:-1] == body]
            targets = np.array([letters[name][shared:] for name in names])
            rows = [[*[_NO_TOKEN] * (self.width - len(prompt)), *prompt, *body] for prompt in padded]
            with self.mesh:
                found = np.asarray(self._tail_logprobs(self._state, np.array(rows), targets))
            for row, values in zip(scores, found.tolist(), strict=True):
                row |= dict(zip(names, values, strict=True))
        return scores


def _tail_logprobs(graph: Any, state: Any, ids: Any, targets: Any) -> Any:
    """Log-probabilities (rows, candidates) of each candidate's tokens at the ends of left-padded rows.

    The last token of a candidate stands in ``targets`` alone, those before it stand in ``ids`` too.
    """
    import jax
    from flax import nnx
    from tunix.sft.utils import build_positions_from_mask, make_causal_attn_mask

    mask, length = ids != _NO_TOKEN, targets.shape[1]
    model = nnx.merge(graph, state)
    model.embedder.keep = length
    logits, _ = model(ids, build_positions_from_mask(mask), None, make_causal_attn_mask(mask))
    logprobs = jax.nn.log_softmax(logits.astype(jax.numpy.float32), axis=-1)
    return logprobs[:, jax.numpy.arange(length), targets].sum(-1)


load = TunixPredictor

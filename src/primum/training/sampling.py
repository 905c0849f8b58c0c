"""Sampling from a policy that is being trained: fast, and the same on every machine of a type.

Own loop instead of ``model.generate``: completions of one prompt share its prefill, rows that have ended leave the
batch, the cache is written in place, noise comes from a generator of its own (so that a resumed run draws what an
undisturbed one draws), and the adapter is merged into a second set of weights first, which spares each token two
products a matrix.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from primum.training.loading import stop_ids

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class MergedPolicy:
    """A plain copy of the base whose weights follow base + adapter. The trained model itself is never merged.

    Args:
        model: the PEFT model under training.
        folder: the base's folder.

    The copy is float32, whatever the trained model's base is: rounded to bfloat16, most of a small adapter would be
    lost (measured: over half of the entries at a typical early delta), and GRPO would sample from another policy than
    the one it trains. Where the base is float32 too, weights that no adapter touches are shared.
    """

    def __init__(self, model: Any, folder: Path) -> None:
        import torch
        from peft.tuners.lora import LoraLayer
        from transformers import AutoModelForCausalLM

        self.base = model.get_base_model()
        self.plain = (
            AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
            .to(self.base.device)
            .eval()
        )
        self.plain.requires_grad_(False)
        self.layers = [(name, module) for name, module in self.base.named_modules() if isinstance(module, LoraLayer)]
        adapted = {f"{name}.weight" for name, _ in self.layers}
        trained = dict(self.base.named_parameters())
        for name, parameter in self.plain.named_parameters():
            if name not in adapted and name in trained:
                parameter.data = trained[name].data.to(parameter.dtype)  # no copy where it is float32 already

    def refresh(self) -> PreTrainedModel:
        """Merge the adapter as it is now; return the plain model."""
        import torch

        with torch.no_grad():
            for name, layer in self.layers:
                merged = self.plain.get_submodule(name).weight
                merged.copy_(layer.get_base_layer().weight)
                merged.add_(layer.get_delta_weight("default"))
        return self.plain


def decode(tokenizer: PreTrainedTokenizerBase, tokens: Sequence[int]) -> str:
    """The completion's text: the tokens before the end token, nothing else taken away, as evaluation decodes them."""
    body = tokens[:-1] if tokens and tokens[-1] in stop_ids(tokenizer) else tokens
    return tokenizer.decode(body, skip_special_tokens=False, clean_up_tokenization_spaces=False)


def sample(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Sequence[int]],
    max_new_tokens: int,
    temperature: float,
    top_k: int | None,
    seed: Sequence[int],
) -> list[list[int]]:
    """Sample one completion a prompt.

    Args:
        model: plain causal language model in evaluation mode.
        tokenizer: its tokenizer; its stop tokens end a completion.
        prompts: token ids, none empty; neighbours that are equal share one prefill.
        max_new_tokens: limit, the end token included.
        temperature: of the softmax.
        top_k: draw among so many tokens alone; None for all.
        seed: integers that name this draw, such as (seed, step).

    Returns:
        Token ids a prompt, up to and with the end token.
    """
    import torch

    groups = [(list(prompt), sum(1 for _ in same)) for prompt, same in groupby(prompts, key=tuple)]
    width = max(len(prompt) for prompt, _ in groups)
    pad = tokenizer.pad_token_id
    ids = torch.tensor([[pad] * (width - len(p)) + p for p, _ in groups], device=model.device)
    mask = torch.tensor(
        [[0] * (width - len(p)) + [1] * (len(p) + max_new_tokens) for p, _ in groups], device=model.device
    )
    noise = torch.Generator(model.device).manual_seed(fold(seed))
    with torch.inference_mode():
        prompt_mask = mask[:, :width]
        positions = (prompt_mask.cumsum(-1) - 1).clamp(min=0)
        out = model(input_ids=ids, attention_mask=prompt_mask, position_ids=positions, use_cache=True, logits_to_keep=1)
        counts = torch.tensor([count for _, count in groups], device=model.device)
        spread = torch.arange(len(groups), device=model.device).repeat_interleave(counts)
        make_room(out.past_key_values, spread, max_new_tokens)
        logits, lengths = out.logits[spread, -1], prompt_mask.sum(-1)[spread]
        return _continue(
            model,
            stop_ids(tokenizer),
            out.past_key_values,
            logits,
            mask[spread],
            lengths,
            max_new_tokens,
            temperature,
            top_k,
            noise,
        )


def _continue(
    model: PreTrainedModel,
    ends: Sequence[int],
    cache: Any,
    logits: torch.Tensor,
    mask: torch.Tensor,
    lengths: torch.Tensor,
    limit: int,
    temperature: float,
    top_k: int | None,
    noise: torch.Generator,
) -> list[list[int]]:
    """Sample token by token from a filled cache. Rows that have ended leave the batch once they are a quarter of it."""
    import torch

    rows, tokens = list(range(len(mask))), [[] for _ in range(len(mask))]  # type: list[int], list[list[int]]
    stops = torch.tensor(ends, device=mask.device)
    ended = torch.zeros(len(mask), dtype=torch.bool, device=mask.device)
    width = mask.shape[1] - limit
    for step in range(limit):
        chosen = _draw(logits, temperature, top_k, noise)
        for row, token, over in zip(rows, chosen.tolist(), ended.tolist(), strict=True):
            if not over:
                tokens[row].append(token)
        ended |= torch.isin(chosen, stops)
        left = int((~ended).sum())
        if left == 0 or step == limit - 1:
            break
        if 4 * left <= 3 * len(rows):
            keep = (~ended).nonzero().squeeze(-1)
            cache.batch_select_indices(keep)
            mask, chosen, lengths, ended = mask[keep], chosen[keep], lengths[keep], ended[keep]
            rows = [rows[i] for i in keep.tolist()]
        logits = model(
            input_ids=chosen[:, None],
            attention_mask=mask[:, : width + step + 1],
            position_ids=(lengths + step)[:, None],
            past_key_values=cache,
            use_cache=True,
        ).logits[:, -1]
    return tokens


def _draw(logits: torch.Tensor, temperature: float, top_k: int | None, noise: torch.Generator) -> torch.Tensor:
    """One token a row by inverting the cumulative distribution: one random number a row, not one a vocabulary entry."""
    import torch

    if top_k is not None and top_k < logits.shape[-1]:
        logits = logits.masked_fill(logits < logits.topk(top_k).values[:, -1:], -torch.inf)
    cumulative = (logits.float() / temperature).softmax(-1).double().cumsum(-1)
    uniform = torch.rand(len(logits), 1, dtype=torch.float64, device=logits.device, generator=noise)
    chosen = torch.searchsorted(cumulative, uniform * cumulative[:, -1:], right=True).squeeze(-1)
    return chosen.clamp(max=logits.shape[-1] - 1)


def make_room(cache: Any, spread: torch.Tensor, extra: int) -> None:
    """Give row ``i`` of the cache the keys and values of row ``spread[i]``, with room for ``extra`` tokens.

    The library's cache copies everything it holds at every token, which took three quarters of the sampling time.
    """
    from transformers.cache_utils import DynamicLayer

    class RoomyLayer(DynamicLayer):
        """A layer that writes new tokens into memory it already has."""

        def __init__(self, keys: torch.Tensor, values: torch.Tensor) -> None:
            super().__init__()
            self.lazy_initialization(keys, values)
            self.filled = keys.shape[-2]
            self.room = [self._widen(part) for part in (keys, values)]
            self._show()

        def _widen(self, part: torch.Tensor) -> torch.Tensor:
            wide = part.new_zeros(*part.shape[:2], self.filled + extra, part.shape[-1])
            wide[:, :, : self.filled] = part
            return wide

        def _show(self) -> None:
            self.keys, self.values = (part[:, :, : self.filled] for part in self.room)

        def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
            end = self.filled + key_states.shape[-2]
            for part, new in zip(self.room, (key_states, value_states), strict=True):
                part[:, :, self.filled : end] = new
            self.filled = end
            self._show()
            return self.keys, self.values

        def batch_select_indices(self, indices: torch.Tensor) -> None:
            self.room = [part[indices] for part in self.room]
            self._show()

    for number, layer in enumerate(cache.layers):
        if type(layer) is DynamicLayer:
            cache.layers[number] = RoomyLayer(layer.keys[spread], layer.values[spread])
        else:
            layer.batch_select_indices(spread)


def fold(seed: Sequence[int]) -> int:
    """One 62-bit seed from several integers."""
    digest = hashlib.sha256(",".join(str(int(part)) for part in seed).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 2

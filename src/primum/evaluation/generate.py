"""Greedy decoding and letter log-likelihoods of a batch of prompts, from one prefill.

Own loop instead of ``model.generate``: the prompt's key-value cache serves the letters and the completion alike, and
rows that have ended leave the batch.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from primum.training.loading import encode, stop_ids
from primum.training.sampling import decode, make_room

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from primum.tasks.base import Choices


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


def continuations(tokenizer: PreTrainedTokenizerBase, choices: Choices) -> dict[str, tuple[int, ...]]:
    """``{letter: tokens of prefix + letter}``, tokenised together: a letter may melt into what stands before it."""
    return {letter: tuple(encode(tokenizer, choices.prefix + letter)) for letter in choices.letters}


def generate_batch(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Sequence[int]],
    letters: dict[str, tuple[int, ...]],
    max_new_tokens: int,
) -> list[Generated]:
    """Complete ``prompts`` greedily and score the letters.

    Args:
        model: causal language model in evaluation mode.
        tokenizer: its tokenizer, which names the stop tokens.
        prompts: token ids, one list a row, none empty.
        letters: from :func:`continuations`; empty for none.
        max_new_tokens: limit, the end token included.

    Returns:
        One :class:`Generated` a prompt, in order.
    """
    import torch

    width = max(len(prompt) for prompt in prompts)
    pad = tokenizer.pad_token_id
    ids = torch.tensor([[pad] * (width - len(p)) + list(p) for p in prompts], device=model.device)
    mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts], device=model.device)
    with torch.inference_mode():
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        out = model(input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=True, logits_to_keep=1)
        scores = _score_letters(model, out, mask, letters)
        tokens = _decode(model, out, mask, stop_ids(tokenizer), max_new_tokens)
    results = []
    for row, row_scores in zip(tokens, scores, strict=True):
        finished = row[-1] in stop_ids(tokenizer)
        results.append(Generated(decode(tokenizer, row), len(row), finished, row_scores))
    return results


def _decode(model: PreTrainedModel, out: Any, mask: torch.Tensor, ends: Sequence[int], limit: int) -> list[list[int]]:
    """Token ids of each row, up to and with the end token."""
    import torch

    cache, logits = out.past_key_values, out.logits[:, -1]
    make_room(cache, torch.arange(len(mask), device=mask.device), limit)
    stops = torch.tensor(ends, device=mask.device)
    rows = list(range(len(mask)))  # rows still in the batch
    tokens: list[list[int]] = [[] for _ in rows]
    for step in range(limit):
        chosen = logits.argmax(-1)
        for row, token in zip(rows, chosen.tolist(), strict=True):
            tokens[row].append(token)
        keep = (~torch.isin(chosen, stops)).nonzero().squeeze(-1)
        if len(keep) == 0 or step == limit - 1:
            break
        if len(keep) < len(rows):
            cache.batch_select_indices(keep)
            mask, chosen = mask[keep], chosen[keep]
            rows = [rows[i] for i in keep.tolist()]
        positions = mask.sum(-1, keepdim=True)
        mask = torch.cat([mask, mask.new_ones(len(mask), 1)], -1)
        logits = model(
            input_ids=chosen[:, None],
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
        ).logits[:, -1]
    return tokens


def _score_letters(
    model: PreTrainedModel, out: Any, mask: torch.Tensor, letters: dict[str, tuple[int, ...]]
) -> list[dict[str, float]]:
    """Sum of log-probabilities of the tokens in which a letter's continuation differs from the others'.

    The tokens that all letters share count for none. Usually all but the last are shared: one forward pass serves all.
    """
    import torch

    scores: list[dict[str, float]] = [{} for _ in range(len(mask))]
    shared = _shared_length(list(letters.values()))
    for body in sorted({tokens[:-1] for tokens in letters.values()}):
        logits = out.logits[:, -1:]
        if body:
            ids = torch.tensor([body] * len(mask), device=mask.device)
            positions = mask.sum(-1, keepdim=True) + torch.arange(len(body), device=mask.device)
            longer = torch.cat([mask, torch.ones_like(ids)], -1)
            cache = copy.deepcopy(out.past_key_values)  # the prompt's own goes on to the completion
            extra = model(
                input_ids=ids, attention_mask=longer, position_ids=positions, past_key_values=cache, use_cache=True
            )
            logits = torch.cat([logits, extra.logits], 1)
        logprobs = logits[:, shared:].float().log_softmax(-1)
        for letter, tokens in letters.items():
            if tokens[:-1] == body:
                picked = torch.stack([logprobs[:, at, token] for at, token in enumerate(tokens[shared:])])
                for row, value in zip(scores, picked.sum(0).tolist(), strict=True):
                    row[letter] = value
    return scores


def _shared_length(sequences: list[tuple[int, ...]]) -> int:
    """Length of the common prefix, short of the last token of any sequence."""
    length = 0
    shortest = min((len(s) for s in sequences), default=0)
    while length < shortest - 1 and len({s[length] for s in sequences}) == 1:
        length += 1
    return length

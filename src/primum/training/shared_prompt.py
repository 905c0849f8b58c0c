"""Log-probabilities of several completions of one prompt, with the prompt computed once.

TRL repeats the prompt for each of its G completions, forward and backward. Here each prompt becomes one sequence,
``prompt | last prompt token, completion 1 | last prompt token, completion 2 | ...``, in which a completion sees the
prompt and itself but no other completion, at the positions it would have alone. The numbers are the same (to rounding);
with G = 4 and prompts twice as long as completions, half of the tokens are gone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def shareable(config: Any) -> bool:
    """Whether a model takes such a mask: plain attention in every layer, by torch's own kernel."""
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    return (
        config._attn_implementation == "sdpa"
        and kinds == {"full_attention"}
        and not getattr(config, "output_router_logits", False)
    )


def share_prompts(trainer: Any) -> None:
    """Let a ``trl.GRPOTrainer`` compute its log-probabilities this way, where its model allows it."""
    if shareable(trainer.model.config):
        trainer._get_per_token_logps_and_entropies = _per_token(trainer)


def _per_token(trainer: Any) -> Callable[..., Any]:
    def logps_and_entropies(
        model: Any,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        logits_to_keep: int,
        batch_size: int | None = None,
        compute_entropy: bool = False,
        **unused: Any,
    ) -> tuple[torch.Tensor, torch.Tensor | None, None]:
        """As TRL's method; shapes (rows, ``logits_to_keep``). ``batch_size`` would only cut the batch."""
        packed = Packed(input_ids, attention_mask, logits_to_keep)
        with trainer.accelerator.autocast():
            out = model(**packed.inputs, fused_lm_head=True)
        return packed.unpack(out.log_probs), packed.unpack(out.entropy) if compute_entropy else None, None

    return logps_and_entropies


class Packed:
    """Rows (prompt padded left, completion padded right) as one sequence a prompt.

    Args:
        ids: token ids, shape (rows, P + C).
        real: 1 where a token is no padding, same shape.
        completion: C.
    """

    def __init__(self, ids: torch.Tensor, real: torch.Tensor, completion: int) -> None:
        import torch

        self.head = ids.shape[1] - completion - 1  # what completions share; the last prompt token goes to each
        start, tail, real = ids[:, : self.head + 1], ids[:, self.head :], real.bool()
        unique, self.group = torch.unique(torch.cat([start, real[:, : self.head + 1]], 1), dim=0, return_inverse=True)
        members = torch.nn.functional.one_hot(self.group).cumsum(0)
        self.slot = members.gather(1, self.group[:, None]).squeeze(1) - 1
        self.shape = (len(unique), int(self.slot.max()) + 1, completion + 1)
        shared_ids, shared_real = unique[:, : self.head], unique[:, self.head + 1 : 2 * self.head + 1].bool()
        packed_real = self._pack(shared_real, real[:, self.head :], False)
        labels = tail[:, 1:].masked_fill(~real[:, self.head + 1 :], -100)
        labels = torch.cat([labels, labels.new_full((len(labels), 1), -100)], 1)
        self.inputs = {
            "input_ids": self._pack(shared_ids, tail, 0),
            "attention_mask": self._mask(packed_real),
            "position_ids": self._positions(shared_real),
            "shift_labels": self._pack(torch.full_like(shared_ids, -100), labels, -100),
        }

    def _pack(self, shared: torch.Tensor, tails: torch.Tensor, empty: int | bool) -> torch.Tensor:
        """Shape (prompts, head + slots * (C + 1)); slots that no row fills hold ``empty``."""
        import torch

        segments = tails.new_full(self.shape, empty)
        segments[self.group, self.slot] = tails
        return torch.cat([shared, segments.flatten(1)], 1)

    def unpack(self, values: torch.Tensor) -> torch.Tensor:
        """Values a packed position -> values a completion token, in the rows' order."""
        return values[:, self.head :].reshape(self.shape)[self.group, self.slot, :-1]

    def _positions(self, shared_real: torch.Tensor) -> torch.Tensor:
        import torch

        prompt = (shared_real.long().cumsum(1) - 1).clamp(min=0)
        count, slots, width = self.shape
        own = shared_real.sum(1)[:, None, None] + torch.arange(width, device=prompt.device).expand(count, slots, width)
        return torch.cat([prompt, own.flatten(1)], 1)

    def _mask(self, real: torch.Tensor) -> torch.Tensor:
        """Shape (prompts, 1, length, length), True where the row's token sees the column's."""
        import torch

        _, slots, width = self.shape
        device = real.device
        segment = torch.cat(
            [torch.zeros(self.head, device=device), torch.arange(1, slots + 1, device=device).repeat_interleave(width)]
        )
        seen = (segment[None] == 0) | (segment[None] == segment[:, None])
        order = torch.arange(len(segment), device=device)
        seen &= order[None] <= order[:, None]
        itself = torch.eye(len(segment), dtype=torch.bool, device=device)  # padding must see something
        return ((seen & real[:, None]) | itself)[:, None]

"""The losses of SFT and GRPO, and their slopes in closed form, in NumPy and float64. Nothing is a backend's.

GRPO as in Shao et al. 2024 (arXiv 2402.03300) with the k3 estimate of KL (Schulman 2020, "Approximating KL
divergence"). Shapes: rows are completions, columns are their tokens, padded on the right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

EPSILONS = {"trl": 1e-4, "tunix": 1e-6}  # what each backend adds to a group's standard deviation; a known difference


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss and how it depends on the policy.

    Attributes:
        value: the loss, in nats for SFT.
        slope: its derivative by every token's log-probability, (rows, tokens); 0 where there is no token.
    """

    value: float
    slope: np.ndarray


def advantages(rewards: np.ndarray, group: int, epsilon: float) -> np.ndarray:
    """Rewards against their group's mean, over the group's standard deviation (ddof 1) plus ``epsilon``.

    Args:
        rewards: (rows,), a prompt's completions beside each other.
        group: completions a prompt.
        epsilon: keeps groups of equal rewards finite.
    """
    grouped = np.asarray(rewards, np.float64).reshape(-1, group)
    spread = grouped.std(axis=1, ddof=1, keepdims=True)
    return ((grouped - grouped.mean(axis=1, keepdims=True)) / (spread + epsilon)).reshape(-1)


def weights(mask: np.ndarray, aggregation: str) -> np.ndarray:
    """How much each token's loss counts; they add up to 1.

    Args:
        mask: 1 where there is a token, (rows, tokens).
        aggregation: 'grpo', the mean over rows of each row's mean, or 'dapo' and 'bnpo', the mean over all tokens.
    """
    mask = np.asarray(mask, np.float64)
    if aggregation == "grpo":
        return mask / mask.sum(axis=1, keepdims=True) / len(mask)
    if aggregation in ("dapo", "bnpo"):
        return mask / mask.sum()
    raise ValueError(f"no aggregation '{aggregation}'")


def grpo(
    logps: np.ndarray,
    old: np.ndarray,
    reference: np.ndarray,
    mask: np.ndarray,
    advantage: np.ndarray,
    beta: float,
    clip: float,
    aggregation: str,
) -> Loss:
    """The clipped surrogate with a KL penalty.

    Args:
        logps: log-probability of every token under the policy, (rows, tokens).
        old: under the policy that drew them.
        reference: under the policy that KL is measured against.
        mask: 1 where there is a token.
        advantage: (rows,).
        beta: weight of KL.
        clip: the ratio is clipped to [1 - clip, 1 + clip].
        aggregation: see :func:`weights`.
    """
    logps, old, reference = (np.asarray(array, np.float64) for array in (logps, old, reference))
    gain = np.asarray(advantage, np.float64)[:, None]
    ratio = np.exp(logps - old)
    free, clipped = ratio * gain, np.clip(ratio, 1 - clip, 1 + clip) * gain
    apart = reference - logps
    loss = -np.minimum(free, clipped) + beta * (np.exp(apart) - apart - 1)
    slope = -np.where(free <= clipped, free, 0.0) + beta * (1 - np.exp(apart))
    share = weights(mask, aggregation)
    return Loss(float((loss * share).sum()), slope * share)


def sft(logps: np.ndarray, mask: np.ndarray) -> Loss:
    """Mean negative log-likelihood of the learned tokens (``mask`` 1), over all of them."""
    share = weights(mask, "dapo")
    return Loss(float(-(np.asarray(logps, np.float64) * share).sum()), -share)

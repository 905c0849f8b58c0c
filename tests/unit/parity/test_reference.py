"""The reference itself: by hand, by automatic differentiation, by finite differences."""

from __future__ import annotations

import numpy as np
import pytest

from primum.parity import reference

RNG = np.random.default_rng(0)
MASK = np.array([[1, 1, 1, 1], [1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0]])


def test_by_hand():
    """Two completions of one and two tokens; on policy; the reference gives each token half the probability."""
    gains = reference.advantages(np.array([3.0, 1.0]), 2, 0.0)
    np.testing.assert_allclose(gains, [2**-0.5, -(2**-0.5)])  # (3 - 2) / sqrt(2), since ddof is 1
    logps, mask = np.log([[0.5, 1.0], [0.5, 0.5]]), np.array([[1, 0], [1, 1]])
    found = reference.grpo(logps, logps, logps - np.log(2), mask, gains, 0.1, 0.2, "grpo")
    kl = 0.5 + np.log(2) - 1  # exp(-log 2) + log 2 - 1
    assert found.value == pytest.approx(0.1 * kl)  # on policy the gains cancel
    slope = 0.1 * 0.5  # of KL by a token: 1 - exp(-log 2)
    gain = 2**-0.5
    np.testing.assert_allclose(
        found.slope, [[(-gain + slope) / 2, 0], [(gain + slope) / 4, (gain + slope) / 4]], atol=1e-12
    )
    all_tokens = reference.grpo(logps, logps, logps, mask, gains, 0.0, 0.2, "dapo")
    assert all_tokens.value == pytest.approx(gain / 3)  # one good token, two bad ones


def test_epsilon_keeps_equal_rewards_at_zero():
    assert reference.advantages(np.array([2.0, 2.0, 0.0, 1.0]), 2, 1e-4)[:2].tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="no aggregation"):
        reference.weights(MASK, "luspo")


@pytest.mark.parametrize("aggregation", ["grpo", "dapo"])
@pytest.mark.parametrize("away", [0.0, 0.4])
def test_loss_and_slope_are_those_of_automatic_differentiation(aggregation, away):
    """``away`` from the policy that drew, some ratios are clipped, on either side and with either sign."""
    torch = pytest.importorskip("torch")
    logits = torch.tensor(RNG.normal(size=(4, 4, 7)), requires_grad=True)
    ids = torch.tensor(RNG.integers(0, 7, (4, 4)))
    logps = logits.log_softmax(-1).gather(-1, ids[..., None]).squeeze(-1)
    logps.retain_grad()
    known = logps.detach()
    old = known + torch.tensor(RNG.normal(size=(4, 4)) * away)
    against = known + torch.tensor(RNG.normal(size=(4, 4)) * 0.3)
    gains = reference.advantages(np.array([3.0, 1.0, 0.0, 2.0]), 4, 1e-4)
    mask, gain = torch.tensor(MASK), torch.tensor(gains)[:, None]
    ratio = (logps - old).exp()
    token = -torch.minimum(ratio * gain, ratio.clamp(0.8, 1.2) * gain)
    token = token + 0.3 * ((against - logps).exp() - (against - logps) - 1)
    means = {"grpo": ((token * mask).sum(1) / mask.sum(1)).mean(), "dapo": (token * mask).sum() / mask.sum()}
    loss = means[aggregation]
    loss.backward()
    found = reference.grpo(
        known.numpy(), old.numpy(), against.numpy(), MASK, gains, beta=0.3, clip=0.2, aggregation=aggregation
    )
    assert found.value == pytest.approx(loss.item(), abs=1e-12)
    np.testing.assert_allclose(found.slope, logps.grad.numpy(), atol=1e-12)
    if away:
        assert ((ratio < 0.8) | (ratio > 1.2)).any()


def test_slopes_are_finite_differences():
    logps, old, against = (RNG.normal(size=(4, 4)) * 0.1 - 1 for _ in range(3))
    gains = reference.advantages(np.array([3.0, 1.0, 0.0, 2.0]), 2, 1e-6)
    direction = RNG.normal(size=(4, 4))

    def moved(by):
        at = logps + by * direction
        return (
            reference.grpo(at, old, against, MASK, gains, 0.1, 0.2, "grpo").value,
            reference.sft(at, MASK).value,
        )

    slopes = (
        reference.grpo(logps, old, against, MASK, gains, 0.1, 0.2, "grpo").slope,
        reference.sft(logps, MASK).slope,
    )
    for above, below, slope in zip(moved(1e-6), moved(-1e-6), slopes, strict=True):
        assert (above - below) / 2e-6 == pytest.approx((slope * direction).sum(), abs=1e-7)


def test_sft_is_the_mean_over_tokens():
    assert reference.sft(np.array([[-1.0, -2.0], [-6.0, -9.0]]), np.array([[1, 1], [1, 0]])).value == pytest.approx(3.0)

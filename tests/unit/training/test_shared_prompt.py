"""Sharing a prompt between its completions changes the cost, not the numbers."""

from __future__ import annotations

import pytest

from primum.training.loading import load_model
from primum.training.shared_prompt import Packed, shareable
from primum.training.trl import score_completions_only


@pytest.mark.parametrize("shuffle", [False, True])
def test_log_probabilities_entropies_and_gradients_equal_the_plain_ones(workspace, sft_folder, shuffle):
    import torch
    from trl.trainer.utils import add_fused_lm_head

    model, _ = load_model(workspace.root, workspace.base, sft_folder, trainable=True)
    model.eval()  # no dropout: two passes must see the same weights
    add_fused_lm_head(model.get_base_model(), outputs=("log_probs", "entropy"))
    torch.manual_seed(0)
    # 3 prompts of 5, 9 and 2 tokens; 3, 2 and 1 completions of 1 to 6 tokens
    rows, width, keep = [(5, 0)] * 3 + [(9, 1)] * 2 + [(2, 2)], 9, 6
    ids, mask = torch.zeros(6, width + keep, dtype=torch.long), torch.zeros(6, width + keep, dtype=torch.long)
    prompts = torch.randint(5, 300, (3, width))
    for row, (length, prompt) in enumerate(rows):
        ids[row, width - length : width] = prompts[prompt, :length]
        own = row % keep + 1
        ids[row, width : width + own] = torch.randint(5, 300, (own,))
        mask[row, width - length : width + own] = 1
    if shuffle:
        order = torch.randperm(6)
        ids, mask = ids[order], mask[order]

    def both():
        labels = ids.masked_fill(mask == 0, -100)
        labels[:, :-keep] = -100
        out = model(input_ids=ids, attention_mask=mask, labels=labels, fused_lm_head=True)
        yield out.log_probs[:, -keep:], out.entropy[:, -keep:]
        packed = Packed(ids, mask, keep)
        assert packed.inputs["input_ids"].numel() < ids.numel()
        out = model(**packed.inputs, fused_lm_head=True)
        yield packed.unpack(out.log_probs), packed.unpack(out.entropy)

    found = []
    with score_completions_only():
        for log_probs, entropy in both():
            model.zero_grad()
            (log_probs * torch.arange(1, keep + 1)).sum().backward()
            gradients = [p.grad.clone() for p in model.parameters() if p.requires_grad]
            found.append((log_probs.detach(), entropy.detach(), gradients))
    (plain, plain_entropy, plain_gradients), (shared, shared_entropy, shared_gradients) = found
    real = mask[:, -keep:].bool()
    assert torch.allclose(plain[real], shared[real], atol=1e-4)
    assert torch.allclose(plain_entropy[real], shared_entropy[real], atol=1e-4)
    for one, other in zip(plain_gradients, shared_gradients, strict=True):
        assert torch.allclose(one, other, atol=1e-3)
    assert max(float(gradient.abs().max()) for gradient in plain_gradients) > 0.1


def test_models_with_other_attention_keep_trls_way(workspace):
    model, _ = load_model(workspace.root, workspace.base, None)
    assert shareable(model.config)
    model.config.layer_types = ["full_attention", "sliding_attention"]
    assert not shareable(model.config)

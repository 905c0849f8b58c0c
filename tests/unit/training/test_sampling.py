"""Our sampler draws from the policy itself, and the merged copy is the policy."""

from __future__ import annotations

from collections import Counter

import pytest

from primum.tasks.base import Example
from primum.training.loading import load_model
from primum.training.rows import prompt_ids
from primum.training.sampling import MergedPolicy, decode, sample
from tests import tiny

EXAMPLES = [Example.from_row(row) for row in tiny.rows(6)]


@pytest.fixture(scope="module")
def policy(workspace, sft_folder):
    model, tokenizer = load_model(workspace.root, workspace.base, sft_folder, trainable=True)
    model.eval()
    prompts, _ = prompt_ids(tokenizer, tiny.task(), EXAMPLES, False, 96)
    return model, tokenizer, MergedPolicy(model, workspace.root / "models/tiny"), prompts


def test_merged_copy_follows_the_adapter_and_leaves_the_model_alone(policy):
    import torch

    model, _, merged, prompts = policy
    ids = torch.tensor([prompts[0]])
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with torch.no_grad():
        assert torch.allclose(merged.refresh()(input_ids=ids).logits, model(input_ids=ids).logits, atol=1e-4)
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.add_(0.05)
        moved = model(input_ids=ids).logits
        assert not torch.allclose(merged.plain(input_ids=ids).logits, moved, atol=1e-2)
        assert torch.allclose(merged.refresh()(input_ids=ids).logits, moved, atol=1e-4)
        model.load_state_dict(before)
        merged.refresh()
    assert not any(parameter.requires_grad for parameter in merged.plain.parameters())


def test_nearly_greedy_sampling_is_greedy_generation(policy):
    """Checks cache, positions, padding, and that ended rows leave without disturbing the others."""
    import torch

    _, tokenizer, merged, prompts = policy
    repeated = [prompt for prompt in prompts for _ in range(2)]
    drawn = sample(merged.refresh(), tokenizer, repeated, 40, 1e-4, None, (0, 1))
    for prompt, tokens in zip(repeated, drawn, strict=True):
        expected = merged.plain.generate(torch.tensor([prompt]), max_new_tokens=40, do_sample=False)[0, len(prompt) :]
        assert tokens == expected.tolist()


def test_draws_follow_the_distribution(policy):
    import torch

    _, tokenizer, merged, _ = policy
    prompt = tokenizer("Find iron", add_special_tokens=False)["input_ids"]
    count = 4000
    drawn = sample(merged.refresh(), tokenizer, [prompt] * count, 1, 2.0, None, (5,))
    with torch.no_grad():
        probs = (merged.plain(input_ids=torch.tensor([prompt])).logits[0, -1] / 2.0).softmax(-1)
    seen = Counter(tokens[0] for tokens in drawn)
    for token in probs.topk(8).indices.tolist():
        expected = float(probs[token])
        assert abs(seen[token] / count - expected) < 4 * (expected * (1 - expected) / count) ** 0.5 + 1e-9


def test_top_k_draws_among_the_likeliest_alone(policy):
    import torch

    _, tokenizer, merged, _ = policy
    prompt = tokenizer("Find iron", add_special_tokens=False)["input_ids"]
    drawn = sample(merged.refresh(), tokenizer, [prompt] * 400, 1, 5.0, 3, (5,))
    with torch.no_grad():
        likeliest = merged.plain(input_ids=torch.tensor([prompt])).logits[0, -1].topk(3).indices.tolist()
    assert {tokens[0] for tokens in drawn} == set(likeliest)


def test_a_draw_is_named_by_its_seed(policy):
    _, tokenizer, merged, prompts = policy
    first, again, other = (
        sample(merged.refresh(), tokenizer, prompts * 4, 20, 1.5, None, seed) for seed in ((1, 2), (1, 2), (1, 3))
    )
    assert first == again != other


def test_decoding_takes_only_the_end_token_away(policy):
    _, tokenizer, _, _ = policy
    ids = tokenizer("<think>{}<|im_start|>", add_special_tokens=False)["input_ids"]
    assert decode(tokenizer, [*ids, tokenizer.eos_token_id]) == "<think>{}<|im_start|>"
    assert decode(tokenizer, []) == ""


def test_on_a_bfloat16_base_the_policy_loses_nothing_of_the_adapter(workspace, sft_folder):
    """What a GPU does, on the CPU: float32 adapter on a bfloat16 base."""
    import torch

    model, tokenizer = load_model(workspace.root, workspace.base, sft_folder, trainable=True)
    model.eval()
    for parameter in model.parameters():
        if not parameter.requires_grad:
            parameter.data = parameter.data.bfloat16()
    merged = MergedPolicy(model, workspace.root / "models/tiny").refresh()
    assert {parameter.dtype for parameter in merged.parameters()} == {torch.float32}
    prompts, _ = prompt_ids(tokenizer, tiny.task(), EXAMPLES, False, 96)
    model.float()  # the same rounded base, computed exactly
    with torch.no_grad():
        expected = model(input_ids=torch.tensor(prompts[:1])).logits
        assert torch.allclose(merged(input_ids=torch.tensor(prompts[:1])).logits, expected, atol=1e-4)
    assert all(sample(merged, tokenizer, prompts, 8, 1.0, None, (0,)))

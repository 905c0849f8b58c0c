"""Defects of Tunix 0.1.7, each shown, and that we do not have it."""

from __future__ import annotations

import types

import numpy as np
import pytest

from primum.files import sha256_tree
from tests.tunix import hf

jax = pytest.importorskip("jax")

from tunix.rl.rollout import base_rollout, vanilla_rollout  # noqa: E402

from primum.training import tunix_lora as tl  # noqa: E402
from primum.training import tunix_model as tm  # noqa: E402
from primum.training import tunix_steps  # noqa: E402
from primum.training.loading import load_tokenizer  # noqa: E402
from primum.training.tunix_grpo import Rollout  # noqa: E402

CONFIG = {"max_tokens_to_generate": 8, "max_prompt_length": 16, "kv_cache_size": 24, "temperature": 0.7, "top_p": 1.0}
PROMPTS = [[5, 6, 7], [8, 9, 10, 11]]


@pytest.fixture(scope="module")
def made(workspace):
    """Model, tokenizer and mesh of the workspace's base."""
    tokenizer = load_tokenizer(workspace.base, workspace.root)
    mesh = tm.make_mesh({"fsdp": 1, "tp": 1})
    lora = hf.LORA.model_copy(update={"target_modules": ["q_proj"]})
    with mesh:
        model = tl.add_lora(tm.load_base(workspace.root / workspace.base["path"], mesh), lora, 0)
    return model, tokenizer, mesh


def ours(made, seed=0):
    from tunix.generate.tokenizer_adapter import TokenizerAdapter

    model, tokenizer, mesh = made
    config = base_rollout.RolloutConfig(**CONFIG)
    return Rollout(model, TokenizerAdapter(tokenizer), mesh, config, PROMPTS, tokenizer, seed), config


def test_rollouts_without_a_seed_repeat_themselves_and_ours_do_not(made):
    model, tokenizer, mesh = made
    config = base_rollout.RolloutConfig(**CONFIG)
    cache = base_rollout.CacheConfig(24, model.config.num_layers, model.config.num_kv_heads, model.config.head_dim)
    with mesh:
        stock = vanilla_rollout.VanillaRollout(model, tokenizer, cache)
        first, second = (stock.generate(["Find iron"] * 4, config) for _ in range(2))
        assert all(np.array_equal(a, b) for a, b in zip(first.tokens, second.tokens, strict=True))

        rollout, config = ours(made)
        rollout.begin(0, 1)
        draws = [rollout.generate(["0", "1"] * 4, config).text for _ in range(2)]
        assert draws[0] != draws[1]  # two calls of one step
        rollout.begin(0, 2)
        assert rollout.generate(["0", "1"] * 4, config).text not in draws  # another step
        again, config = ours(made)
        again.begin(0, 1)
        assert again.generate(["0", "1"] * 4, config).text == draws[0]  # the same draw in another process
        other, config = ours(made, seed=1)
        other.begin(0, 1)
        assert other.generate(["0", "1"] * 4, config).text != draws[0]


def test_old_log_probabilities_are_those_of_the_temperature(made):
    rollout, _ = ours(made)
    prompt, answer = np.array([[0, 5, 6, 7]]), np.array([[8, 9, 10]])
    with made[2]:
        found = np.asarray(rollout.get_per_token_logps(prompt, answer))
        at_one = np.asarray(vanilla_rollout.VanillaRollout.get_per_token_logps(rollout, prompt, answer))
        mask = jax.numpy.array([[False, True, True, True, True, True, True]])
        from tunix.sft.utils import build_positions_from_mask, make_causal_attn_mask

        tokens = jax.numpy.array(np.concatenate([prompt, answer], 1))
        logits, _ = made[0](tokens, build_positions_from_mask(mask), None, make_causal_attn_mask(mask))
    scaled = jax.nn.log_softmax(np.asarray(logits)[0, 3:6] / CONFIG["temperature"])
    wanted = np.array([scaled[at, token] for at, token in enumerate(answer[0])])
    np.testing.assert_allclose(found[0], wanted, atol=1e-5)
    assert np.abs(at_one[0] - wanted).max() > 1e-2  # Tunix' own


@pytest.mark.parametrize("iterations", [1, 2])
def test_a_resumed_run_skips_no_data(workspace, sft_folder, tmp_path, monkeypatch, iterations):
    """Tunix skips ``num_iterations`` times too many prompts; and it would forget the step of a forced last save."""
    shared = {"max_steps": 8, "save_steps": 4, "num_iterations": iterations, "logging_steps": 1}
    workspace.train("grpo", tmp_path / "calm", sft_folder, **shared)
    saved = tunix_steps.Steps._save

    def die_after(self: tunix_steps.Steps, step: int) -> None:
        saved(self, step)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(tunix_steps.Steps, "_save", die_after)
        workspace.train("grpo", tmp_path / "killed", sft_folder, **shared)
    workspace.train("grpo", tmp_path / "killed", sft_folder, **shared)
    assert sha256_tree(tmp_path / "killed") == sha256_tree(tmp_path / "calm")


def test_a_qwen_turns_by_its_own_theta():
    """Tunix never hands ``rope_theta`` on: every Qwen would turn by a million."""
    config = {"model_type": "qwen3", "num_hidden_layers": 1, "hidden_size": 8, "intermediate_size": 8, "vocab_size": 8}
    config |= {"num_attention_heads": 1, "num_key_value_heads": 1, "head_dim": 8, "rms_norm_eps": 1e-6}
    found = []
    for theta in (10_000.0, 1_000_000.0):
        module, _ = tm.model_config(config | {"rope_parameters": {"rope_theta": theta}}, np.float32, False)
        assert isinstance(module, types.ModuleType)
        found.append(np.asarray(module.apply_rope(np.ones((1, 2, 1, 8), np.float32), np.array([[0, 3]]), head_dim=8)))
    assert np.abs(found[0] - found[1]).max() > 1e-3

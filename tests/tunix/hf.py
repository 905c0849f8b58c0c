"""Small random bases and adapters as PyTorch makes them: what the tunix backend is held against."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from primum.stages import Lora

TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
LORA = Lora(r=4, alpha=8, dropout=0.0, target_modules=TARGETS)


def torch_model(kind: str, vocabulary: int = 96) -> Any:
    """A random Gemma 3 (five local layers, one global) or Qwen 3 in float32."""
    import torch
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig, Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(0)
    shared = {
        "vocab_size": vocabulary,
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "head_dim": 16,
        "max_position_embeddings": 256,
        "tie_word_embeddings": True,
        "pad_token_id": 0,
        "eos_token_id": 1,
        "bos_token_id": 2,
    }
    if kind == "gemma3":
        config = Gemma3TextConfig(**shared, num_hidden_layers=7, sliding_window=8, query_pre_attn_scalar=16)
        model = Gemma3ForCausalLM(config)
    else:
        model = Qwen3ForCausalLM(Qwen3Config(**shared, num_hidden_layers=2))
    for name, parameter in model.named_parameters():
        if "norm" in name:  # initialised alike everywhere, they would hide a mistake in their names
            parameter.data += 0.1 * torch.randn_like(parameter)
    return model.eval()


def with_adapter(model: Any, seed: int = 1) -> Any:
    """The model under a PEFT adapter whose B is not zero."""
    import torch
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    config = LoraConfig(r=LORA.r, lora_alpha=LORA.alpha, target_modules=TARGETS, task_type="CAUSAL_LM")
    tuned = get_peft_model(model, config)
    for name, parameter in tuned.named_parameters():
        if "lora_B" in name:
            parameter.data.normal_(0, 0.2)
    return tuned.eval()


def torch_logits(model: Any, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Logits (rows, positions, vocabulary) of left-padded rows."""
    import torch

    positions = np.maximum(np.cumsum(mask, -1) - 1, 0)
    with torch.no_grad():
        out = model(
            input_ids=torch.tensor(ids), attention_mask=torch.tensor(mask), position_ids=torch.tensor(positions)
        )
    return out.logits.numpy()


def save(model: Any, folder: Path, shard: str = "5GB") -> Path:
    """The base in Hugging Face layout."""
    model.save_pretrained(folder, max_shard_size=shard)
    return folder

"""A GGUF file as a plain float32 model: what quantisation took is gone, the rest is as any Hugging Face folder."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def read_gguf(file: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The model, dequantised to float32 by transformers, and its tokenizer, both from the one file.

    Args:
        file: a GGUF file of an architecture that transformers reads.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    loaded = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    config = copy.deepcopy(loaded.config)
    del config.quantization_config  # the weights are plain float32 by now
    plain = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    plain.load_state_dict(loaded.state_dict())
    return plain, tokenizer

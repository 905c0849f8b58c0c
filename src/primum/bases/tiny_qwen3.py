"""A Qwen 3 of about 1 M parameters with its own tokenizer, trained from scratch on the bundled facts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from primum.bases.pretrain_text import END, TURN, TURN_END, Piece

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM

SPECIAL = [END, TURN, TURN_END]
ADDED = ["<think>", "</think>"]
BPE_VOCABULARY = 1024

# Qwen 3's turns and thinking switch, without its tools: enable_thinking=False closes an empty <think> block in the
# prompt.
CHAT_TEMPLATE = (
    "{%- for message in messages %}"
    "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}"
    "{{- '<|im_start|>assistant\\n' }}"
    "{%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}"
    "{%- endif %}"
)


def build_tokenizer(texts: Iterable[str], terms: Iterable[str]) -> PreTrainedTokenizerFast:
    """Byte-level BPE over ``texts``, with every term of the field, and its form after a space, as one token."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    pattern = Regex(r" ?\p{L}+(?:_\p{L}+)*| ?\p{N}+(?:\.\p{N}+)?| ?[^\s\p{L}\p{N}]+|\s")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(pattern, "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=BPE_VOCABULARY,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    words = sorted(set(terms))
    tokenizer.add_tokens([AddedToken(t, normalized=False) for t in ADDED])
    tokenizer.add_tokens([AddedToken(f" {w}", normalized=False, special=False) for w in words])
    tokenizer.add_tokens([AddedToken(w, normalized=False, special=False) for w in words])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=TURN_END,
        pad_token=END,
        model_max_length=256,
        clean_up_tokenization_spaces=False,
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast


def build_model(vocabulary: int, end_id: int, pad_id: int, seed: int) -> Qwen3ForCausalLM:
    """A freshly initialised Qwen 3 in float32."""
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(seed)
    config = Qwen3Config(
        vocab_size=vocabulary,
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=4,
        head_dim=32,
        tie_word_embeddings=True,
        max_position_embeddings=256,
        rope_theta=10000.0,
        eos_token_id=end_id,
        pad_token_id=pad_id,
        bos_token_id=None,
        use_cache=False,
    )
    return Qwen3ForCausalLM(config).to(torch.float32)


def encode(tokenizer: Any, pieces: list[Piece]) -> tuple[list[int], list[float]]:
    """Token ids and loss weights of one document; a token has the weight of the piece it ends in."""
    encoding = tokenizer("".join(piece for piece, _ in pieces), add_special_tokens=False, return_offsets_mapping=True)
    weights: list[float] = []
    at, end = 0, len(pieces[0][0])
    for _, stop in encoding["offset_mapping"]:
        while stop > end:
            at += 1
            end += len(pieces[at][0])
        weights.append(pieces[at][1])
    return encoding["input_ids"], weights

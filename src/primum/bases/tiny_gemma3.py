"""A Gemma 3 of about 1 M parameters with its own tokenizer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from primum.bases.grounded_lexicon import PIECE

if TYPE_CHECKING:
    from transformers import Gemma3ForCausalLM, PreTrainedTokenizerFast

SPECIAL = ["<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"]
TAGS = ["<think>", "</think>", "<proof>", "</proof>", "<answer>", "</answer>"]
MARKS = ".,;:?!)%'"
SPACE = "\u2581"
WINDOW = 128  # tokens that local layers see: less than the longest prompts of the study

# Gemma 3's turns: system text goes in front of the first user turn.
CHAT_TEMPLATE = (
    "{{- bos_token }}"
    "{%- set system = messages[0].content + '\\n\\n' if messages[0].role == 'system' else '' %}"
    "{%- for message in (messages[1:] if system else messages) %}"
    "{{- '<start_of_turn>' + ('model' if message.role == 'assistant' else message.role) + '\\n' "
    "+ (system if loop.first else '') + message.content | trim + '<end_of_turn>\\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<start_of_turn>model\\n' }}{%- endif %}"
)


def build_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """Every word of ``texts`` is one token; any other is spelled, in bytes where it has to be.

    Words do not remember whether a space stood before them, so that a word is the same token wherever it stands;
    decoding puts the usual spaces.
    """
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

    split = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECE), "removed", invert=True),
            pre_tokenizers.Metaspace(SPACE, prepend_scheme="always", split=False),
        ]
    )
    words = sorted({piece for text in texts for piece, _ in split.pre_tokenize_str(text)})
    spelled = [SPACE, *(chr(code) for code in range(33, 127))]
    marks = [f"{SPACE}{mark}" for mark in ("\n", "'s", '"', "(", *MARKS)]
    pieces = [*SPECIAL, *TAGS, *(f"<0x{byte:02X}>" for byte in range(256)), *spelled, *marks, *words]
    pieces = list(dict.fromkeys(pieces))
    pieces += [f"<unused{number}>" for number in range(-len(pieces) % 8)]
    tokenizer = Tokenizer(
        models.BPE(
            {piece: number for number, piece in enumerate(pieces)},
            [],
            unk_token="<unk>",
            byte_fallback=True,
            ignore_merges=True,
        )
    )
    tokenizer.pre_tokenizer = split
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.ByteFallback(),
            decoders.Fuse(),
            *(decoders.Replace(f"{SPACE}{mark}", mark) for mark in ("\n", "'s", *MARKS)),
            decoders.Replace(SPACE, " "),
            decoders.Replace(Regex(r'(?<![^\n>]) ?" '), '"'),
            decoders.Replace(Regex(r' "(?=\n|<|$)'), '"'),
            decoders.Replace(Regex(r"(?<=[\n>(]) "), ""),
            decoders.Replace(Regex(r"^ "), ""),
        ]
    )
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in SPECIAL])
    # Tags take line breaks with them, but for the one in front of the first: it is the prompt's, and stays its token.
    tokenizer.add_tokens([AddedToken(t, normalized=False, lstrip=t.startswith("</"), rstrip=True) for t in TAGS])
    return with_turns(tokenizer, 512)


def with_turns(tokenizer: Any, length: int) -> PreTrainedTokenizerFast:
    """A tokenizer of ``tokenizers`` with Gemma's special tokens and turns."""
    from transformers import PreTrainedTokenizerFast

    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<bos>",
        eos_token="<eos>",
        pad_token="<pad>",
        unk_token="<unk>",
        additional_special_tokens=["<start_of_turn>", "<end_of_turn>"],
        model_max_length=length,
        clean_up_tokenization_spaces=False,
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast


def build_model(tokenizer: Any, seed: int, window: int = WINDOW, positions: int = 512) -> Gemma3ForCausalLM:
    """A freshly initialised Gemma 3 in float32: five local layers and a global one, as in the real ones.

    Embeddings as large as their scale wants them, and the norms behind each block at half: with the library's own
    initial values a word's identity drowns in what the blocks add, and copying appears late.
    """
    import torch
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig

    torch.manual_seed(seed)
    config = Gemma3TextConfig(
        vocab_size=len(tokenizer),
        hidden_size=96,
        intermediate_size=192,
        num_hidden_layers=6,
        num_attention_heads=8,
        num_key_value_heads=4,
        head_dim=32,
        query_pre_attn_scalar=32,
        max_position_embeddings=positions,
        sliding_window=window,
        layer_types=[*["sliding_attention"] * 5, "full_attention"],
        rms_norm_eps=1e-6,
        rope_parameters={
            "sliding_attention": {"rope_type": "default", "rope_theta": 10_000.0},
            "full_attention": {"rope_type": "default", "rope_theta": 1_000_000.0},
        },
        hidden_activation="gelu_pytorch_tanh",
        tie_word_embeddings=True,
        initializer_range=0.05,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        use_cache=False,
    )
    model = Gemma3ForCausalLM(config).to(torch.float32)
    with torch.no_grad():
        model.model.embed_tokens.weight.normal_(0.0, 0.1)
        model.model.embed_tokens.weight[tokenizer.pad_token_id] = 0.0
        for name, parameter in model.named_parameters():
            if ".post_" in name and "norm" in name:
                parameter.fill_(-0.5)  # Gemma's norms scale by one plus this
    return model

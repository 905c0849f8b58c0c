"""A Gemma 3 of about 1 M parameters for the triage study, with its own tokenizer that keeps JSON as it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from primum.bases.tiny_gemma3 import SPECIAL, with_turns

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

DECIMALS, WHOLE = 300, 200  # numbers up to 30.0 and up to 200 are one token each
WINDOW, POSITIONS = 256, 1024
PIECE = r" ?\p{L}+(?:_\p{L}+)*| ?\p{N}+(?:\.\p{N}+)?| ?[^\s\p{L}\p{N}]+|\s"


def build_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """Every word and sign of ``texts``, with the space before it, is one token; any other is spelled in bytes."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

    split = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECE), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    numbers = [f"{n / 10:.1f}" for n in range(DECIMALS + 1)] + [str(n) for n in range(WHOLE + 1)]
    read = [*texts, " ".join(["", *numbers]), *numbers]
    pieces = sorted({piece for text in read for piece, _ in split.pre_tokenize_str(text)})
    vocabulary = list(dict.fromkeys([*SPECIAL, *sorted(pre_tokenizers.ByteLevel.alphabet()), *pieces]))
    vocabulary += [f"<unused{number}>" for number in range(-len(vocabulary) % 8)]
    ids = {piece: number for number, piece in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.BPE(ids, [], unk_token="<unk>", ignore_merges=True))
    tokenizer.pre_tokenizer = split
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in SPECIAL])
    return with_turns(tokenizer, POSITIONS)

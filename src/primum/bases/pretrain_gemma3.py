"""The tiny Gemma 3, trained from scratch to answer from a text: documents to batches, phases, and what is watched."""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path
from typing import Any, Protocol

from primum.bases.grounded_facts import Material
from primum.bases.grounded_text import MEANING, Piece
from primum.bases.pretrain import SEED, Phase, Rates, optimise
from primum.bases.tiny_gemma3 import build_model, build_tokenizer
from primum.bases.tiny_qwen3 import encode
from primum.files import sha256_tree

LENGTH = 224  # longest document, in tokens
GROUPS = 3  # of documents about equally long, to pad little
RATES = Rates(muon=0.03, adamw=6.0e-3)
# Order matters: copying has to be there before a sentence can be found, and finding before it can be judged.
PHASES = (
    Phase("echo", 250, {"echo": 1.0}, rows=32),
    Phase("bag", 220, {"bag": 0.8, "echo": 0.2}, rows=32),
    Phase("short", 360, {"bag": 0.1, "short": 0.6, "marked": 0.3}, rows=20),
    Phase("item", 450, {"item": 0.6, "marked": 0.3, "echo": 0.1}, rows=16),
    Phase("tags", 1400, {"thought": 0.6, "tagged": 0.2, "marked": 0.15, "echo": 0.05}, anneal=1.0, rows=16),
)


class Documents(Protocol):
    """What writes the documents of a kind drawn from a mix."""

    def document(self, mix: dict[str, float], rng: random.Random) -> list[Piece]: ...


def batch(tokenizer: Any, writer: Documents, rng: random.Random, phase: Phase, length: int = LENGTH) -> list[Any]:
    """One step's documents as ``(ids, weights)`` tensors, padded on the right."""
    import torch

    documents: list[tuple[list[int], list[float]]] = []
    while len(documents) < phase.rows:
        encoded = encode(tokenizer, writer.document(phase.mix, rng))
        if len(encoded[0]) <= length:
            documents.append(encoded)
    documents.sort(key=lambda document: len(document[0]))
    size = -(-len(documents) // GROUPS)
    made = []
    for start in range(0, len(documents), size):
        group = documents[start : start + size]
        width = len(group[-1][0])
        ids = torch.tensor([ids + [tokenizer.pad_token_id] * (width - len(ids)) for ids, _ in group])
        weights = torch.tensor([weights + [0.0] * (width - len(weights)) for _, weights in group])
        made.append((ids, weights))
    return made


def loss_of(model: Any, groups: list[Any], right: dict[float, list[int]]) -> Any:
    """Weighted mean cross-entropy of the next token, only where it has weight: most of a document has none.

    ``right`` gathers, by weight, how many of the tokens were foreseen, and of how many.
    """
    import torch
    import torch.nn.functional as F

    total, mass = torch.zeros(()), torch.zeros(())
    for ids, weights in groups:
        states = model.model(input_ids=ids).last_hidden_state[:, :-1]
        scored = weights[:, 1:] > 0
        logits, wanted, weight = model.lm_head(states[scored]), ids[:, 1:][scored], weights[:, 1:][scored]
        total = total + (F.cross_entropy(logits, wanted, reduction="none") * weight).sum()
        mass = mass + weight.sum()
        hits = logits.argmax(-1) == wanted
        for value in weight.unique():
            counts, here = right[round(float(value), 2)], weight == value
            counts[0] += int(hits[here].sum())
            counts[1] += int(here.sum())
    return total / mass


def train_tiny_gemma3(
    material: Material, output: Path, seed: int = SEED, phases: tuple[Phase, ...] = PHASES
) -> dict[str, str]:
    """Train tokenizer and model from scratch and write a Hugging Face folder.

    Returns:
        ``{file: sha256}`` of the folder, the listing that ``config/models.tsv`` pins.
    """
    import torch

    torch.set_num_threads(1)  # sums, and so weights, do not depend on the machine's cores
    tokenizer, writer, rng = build_tokenizer(material.texts), material.writer(), random.Random(seed)
    model = build_model(tokenizer, seed)
    right: dict[float, list[int]] = defaultdict(lambda: [0, 0])

    def watch() -> str:
        seen = " ".join(f"{MEANING[value]} {a / b:.2f}" for value, (a, b) in sorted(right.items()))
        right.clear()
        return seen

    optimise(model, phases, RATES, lambda phase: loss_of(model, batch(tokenizer, writer, rng, phase), right), watch)
    return save(model, tokenizer, output)


def save(model: Any, tokenizer: Any, output: Path) -> dict[str, str]:
    """Write a Hugging Face folder, and return ``{file: sha256}`` of it."""
    model.config.use_cache = model.generation_config.use_cache = True
    # As the real ones have it: generation ends with the turn, or the text.
    model.generation_config.eos_token_id = [tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids("<end_of_turn>")]
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(output)
    tokenizer.save_pretrained(output)
    return sha256_tree(output)

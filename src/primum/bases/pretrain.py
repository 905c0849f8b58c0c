"""The training loop of the tiny base: weighted next-token loss, Muon for matrices and AdamW for the rest."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from primum.bases.pretrain_text import BLANK, CONTEXT, KINDS, LETTERS, TextFact, choice, document, text_facts
from primum.bases.tiny_qwen3 import build_model, build_tokenizer, encode
from primum.data.bank import Bank
from primum.files import sha256_tree

SEED = 0


@dataclass(frozen=True)
class Phase:
    """Steps on one mix of documents; the learning rate falls linearly to 0 over the last ``anneal`` share."""

    name: str
    steps: int
    mix: dict[str, float]
    anneal: float = 0.0


@dataclass(frozen=True)
class Loop:
    """Batch shape and learning rates."""

    rows: int = 128  # documents a step
    length: int = 72  # longest document, in tokens
    short: int = 16  # up to here a document counts as short
    muon: float = 0.012
    adamw: float = 3.0e-3
    warmup: int = 50
    clip: float = 1.0


_MIX = {"question": 0.25, "selection": 0.06, "statement": 0.52, "chat": 0.04, "chat_question": 0.10, "record": 0.03}
_SHAPE = _MIX | {"question": 0.20, "statement": 0.46, "schema_record": 0.11}
# Order matters: mixed from the start, facts are learned but questions stay at chance (docs/log.md).
PHASES = (
    Phase("select", 200, {"selection": 1.0}),
    Phase("mix", 300, _MIX),
    Phase("shape", 260, _SHAPE, anneal=0.6),
)


def batch(tokenizer: Any, mix: dict[str, float], facts: list[TextFact], rng: random.Random, loop: Loop) -> list[Any]:
    """One step's documents as ``(ids, weights)`` tensors of shape (rows, length): short ones apart, to pad little."""
    import torch

    groups: tuple[list[Any], list[Any]] = ([], [])
    while len(groups[0]) + len(groups[1]) < loop.rows:
        ids, weights = encode(tokenizer, document(mix, facts, rng))
        if len(ids) <= loop.length:
            groups[len(ids) > loop.short].append((ids, weights))
    made = []
    for group in filter(None, groups):
        width = max(len(ids) for ids, _ in group)
        ids = torch.tensor([ids + [tokenizer.pad_token_id] * (width - len(ids)) for ids, _ in group])
        weights = torch.tensor([weights + [0.0] * (width - len(weights)) for _, weights in group])
        made.append((ids, weights))
    return made


def loss_of(model: Any, groups: list[Any]) -> Any:
    """Weighted mean cross-entropy of the next token over all groups."""
    import torch
    import torch.nn.functional as F

    total, mass = torch.zeros(()), torch.zeros(())
    for ids, weights in groups:
        logits = model(ids).logits[:, :-1]
        each = F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="none").view(ids.shape[0], -1)
        total = total + (each * weights[:, 1:]).sum()
        mass = mass + weights[:, 1:].sum()
    return total / mass


def probe(model: Any, tokenizer: Any, facts: list[TextFact], rng: random.Random, kind: str, n: int = 200) -> float:
    """Share of ``n`` plain questions answered rightly (letter with the largest logit).

    ``kind``: 'find' (the value is named in the question), 'cloze' (of the facts' statements) or 'exam' (stems never
    trained on).
    """
    import torch

    rows, answers = [], []
    for fact in rng.choices(facts, k=n):
        options = [*rng.sample(fact.rivals, 3), fact.value]
        rng.shuffle(options)
        answer = options.index(fact.value)
        wording = {"find": ("Find {value}.",), "cloze": fact.statements, "exam": fact.stems}[kind]
        head = rng.choice(wording).format(entity=fact.entity, value=fact.value if kind == "find" else BLANK)
        pieces = choice(head, options, answer, False, CONTEXT)[:-2]
        rows.append(tokenizer("".join(p for p, _ in pieces), add_special_tokens=False)["input_ids"])
        answers.append(answer)
    letters = [tokenizer.convert_tokens_to_ids(letter) for letter in LETTERS]
    length = max(map(len, rows))
    ids = torch.tensor([row + [tokenizer.pad_token_id] * (length - len(row)) for row in rows])
    last = torch.tensor([len(row) - 1 for row in rows])
    with torch.no_grad():
        logits = model(ids).logits[torch.arange(n), last][:, letters]
    return float((logits.argmax(-1) == torch.tensor(answers)).float().mean())


def pretrain(
    model: Any, tokenizer: Any, facts: list[TextFact], phases: Iterable[Phase], seed: int, loop: Loop | None = None
) -> None:
    """Train ``model`` in place through ``phases``; progress goes to stderr."""
    import torch

    loop = loop or Loop()
    rng = random.Random(seed)
    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    others = [p for n, p in model.named_parameters() if p.ndim != 2 or "embed" in n]
    optimisers = [
        torch.optim.Muon(matrices, lr=loop.muon, weight_decay=0.0),
        torch.optim.AdamW(others, lr=loop.adamw, betas=(0.9, 0.98), weight_decay=0.0),
    ]
    peaks = [loop.muon, loop.adamw]
    started, done = time.monotonic(), 0
    for phase in phases:
        model.train()
        for step in range(phase.steps):
            left = (phase.steps - step) / (phase.steps * phase.anneal) if phase.anneal else 1.0
            scale = min(1.0, (done + 1) / loop.warmup, left)
            for optimiser, peak in zip(optimisers, peaks, strict=True):
                optimiser.param_groups[0]["lr"] = peak * scale
            loss = loss_of(model, batch(tokenizer, phase.mix, facts, rng, loop))
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), loop.clip)
            for optimiser in optimisers:
                optimiser.step()
                optimiser.zero_grad(set_to_none=True)
            done += 1
            if done % 100 == 0 or step == phase.steps - 1:
                model.eval()
                watch = random.Random(0)
                seen = " ".join(
                    f"{k} {probe(model, tokenizer, facts, watch, k):.2f}" for k in ("find", "cloze", "exam")
                )
                model.train()
                print(
                    f"[pretrain {phase.name}] step {done} loss {loss.item():.3f} {seen} "
                    f"{time.monotonic() - started:.0f} s",
                    file=sys.stderr,
                    flush=True,
                )
    model.eval()


def train_tiny_qwen3(bank: Bank, output: Path, seed: int = SEED, phases: tuple[Phase, ...] = PHASES) -> dict[str, str]:
    """Train tokenizer and model from scratch on ``bank`` and write a Hugging Face folder.

    Returns:
        ``{file: sha256}`` of the folder, the listing that ``config/models.tsv`` pins.
    """
    import torch

    torch.set_num_threads(1)  # sums, and so weights, do not depend on the machine's cores
    facts = text_facts(bank)
    rng = random.Random(seed)
    documents = [
        "".join(text for text, _ in make(fact, rng)) for fact in facts for make in KINDS.values() for _ in range(3)
    ]
    stems = [
        stem.format(entity=fact.entity) for fact in facts for stem in fact.stems
    ]  # letters and words, for the tokenizer only
    tokenizer = build_tokenizer([*documents, *stems], [term for fact in facts for term in (fact.entity, fact.value)])
    model = build_model(len(tokenizer), tokenizer.eos_token_id, tokenizer.pad_token_id, seed)
    pretrain(model, tokenizer, facts, phases, seed)
    model.config.use_cache = True
    model.save_pretrained(output)
    tokenizer.save_pretrained(output)
    return sha256_tree(output)

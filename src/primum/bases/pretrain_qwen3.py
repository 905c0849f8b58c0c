"""The tiny Qwen 3, trained from scratch on the bundled facts: documents to batches, phases, and what is watched."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from primum.bases.pretrain import SEED, Phase, Rates, optimise
from primum.bases.pretrain_text import BLANK, CONTEXT, KINDS, LETTERS, TextFact, choice, document, text_facts
from primum.bases.tiny_qwen3 import build_model, build_tokenizer, encode
from primum.data.bank import Bank
from primum.files import sha256_tree

LENGTH = 72  # longest document, in tokens
SHORT = 16  # up to here a document counts as short
_MIX = {"question": 0.25, "selection": 0.06, "statement": 0.52, "chat": 0.04, "chat_question": 0.10, "record": 0.03}
_SHAPE = _MIX | {"question": 0.20, "statement": 0.46, "schema_record": 0.11}
# Order matters: mixed from the start, facts are learned but questions stay at chance (docs/log.md).
PHASES = (
    Phase("select", 200, {"selection": 1.0}),
    Phase("mix", 300, _MIX),
    Phase("shape", 260, _SHAPE, anneal=0.6),
)


def batch(tokenizer: Any, mix: dict[str, float], facts: list[TextFact], rng: random.Random, rows: int) -> list[Any]:
    """One step's documents as ``(ids, weights)`` tensors of shape (rows, length): short ones apart, to pad little."""
    import torch

    groups: tuple[list[Any], list[Any]] = ([], [])
    while len(groups[0]) + len(groups[1]) < rows:
        ids, weights = encode(tokenizer, document(mix, facts, rng))
        if len(ids) <= LENGTH:
            groups[len(ids) > SHORT].append((ids, weights))
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
    rng = random.Random(seed)

    def watch() -> str:
        seen = random.Random(0)
        return " ".join(f"{k} {probe(model, tokenizer, facts, seen, k):.2f}" for k in ("find", "cloze", "exam"))

    optimise(
        model,
        phases,
        Rates(),
        lambda phase: loss_of(model, batch(tokenizer, phase.mix, facts, rng, phase.rows)),
        watch,
    )
    model.config.use_cache = True
    model.save_pretrained(output)
    tokenizer.save_pretrained(output)
    return sha256_tree(output)

"""The tiny base of the triage study, trained from scratch: documents to batches, phases, and what is watched."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Set
from pathlib import Path
from typing import Any

from primum.bases.pretrain import SEED, Phase, Rates, optimise
from primum.bases.pretrain_gemma3 import batch, loss_of, save
from primum.bases.tiny_gemma3 import build_model
from primum.bases.tiny_medgemma import POSITIONS, WINDOW, build_tokenizer
from primum.bases.triage_text import MEANING, Textbook
from primum.data.case_bank import CaseBank

LENGTH = 580  # longest document, in tokens
RATES = Rates(muon=0.03, adamw=6.0e-3)
# Order matters: findings first, then findings within a case, then records; mixed from the start, copying comes late.
PHASES = (
    Phase("findings", 200, {"finding": 0.85, "cue": 0.1, "rule": 0.05}, rows=64),
    Phase("prose", 400, {"finding": 0.3, "prose": 0.6, "cue": 0.07, "rule": 0.03}, rows=24),
    Phase(
        "records",
        1000,
        {"finding": 0.12, "prose": 0.08, "record": 0.2, "form": 0.5, "cue": 0.07, "scale": 0.03},
        1.0,
        rows=12,
    ),
)
# Last, with fresh optimisers and small steps: the habit of committing to nothing, which training has to overcome.
HABIT_RATES = Rates(muon=0.006, adamw=1.2e-3)
HABIT = (
    Phase("habit", 120, {"cautious": 0.6, "record": 0.15, "finding": 0.1, "prose": 0.1, "cue": 0.05}, 1.0, rows=12),
)


def train_tiny_medgemma(
    bank: CaseBank,
    trained: Set[str],
    output: Path,
    seed: int = SEED,
    phases: tuple[Phase, ...] = PHASES,
    habit: tuple[Phase, ...] = HABIT,
) -> dict[str, str]:
    """Train tokenizer and model from scratch on ``bank`` and write a Hugging Face folder.

    Args:
        bank: findings, cues and what invented cases are made from.
        trained: families that the study trains on; of no other one a sentence is read.
        output: the folder.
        seed: of weights and documents.
        phases, habit: one after the other; ``habit`` at rates of its own, with optimisers and documents of its own.

    Returns:
        ``{file: sha256}`` of the folder, the listing that ``config/models.tsv`` pins.
    """
    import torch

    torch.set_num_threads(1)  # sums, and so weights, do not depend on the machine's cores
    textbook = Textbook(bank, trained)
    tokenizer = build_tokenizer(textbook.texts(random.Random(seed)))
    model = build_model(tokenizer, seed, WINDOW, POSITIONS)
    right: dict[float, list[int]] = defaultdict(lambda: [0, 0])

    def watch() -> str:
        seen = " ".join(f"{MEANING[value]} {a / b:.2f}" for value, (a, b) in sorted(right.items()))
        right.clear()
        return seen

    for number, (part, rates) in enumerate(((phases, RATES), (habit, HABIT_RATES))):
        rng = random.Random(seed + number)

        def loss(phase: Phase, rng: random.Random = rng) -> Any:
            return loss_of(model, batch(tokenizer, textbook, rng, phase, LENGTH), right)

        optimise(model, part, rates, loss, watch)
    return save(model, tokenizer, output)

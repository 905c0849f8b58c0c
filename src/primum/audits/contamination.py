"""Contamination: how much of a held-out row stands, word for word, in what was trained on, and what that is worth.

Of every held-out row's runs of eight words (five in texts under forty words) the largest share that stands in any one
training row, prompt or gold. At 70 % a row counts as *heavy*, as in PaLM's audit (Chowdhery et al. 2022, arXiv
2204.02311, section 8). The headline metric is then told apart for rows above and up to the median share, and for rows
whose right answer stands in a training row about the same thing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from primum.audits.halves import COLUMNS as HALVES
from primum.audits.halves import by_half
from primum.audits.names import ABOVE, PRETRAINING, TOLD, TRAINING
from primum.audits.reading import Audited
from primum.audits.texts import Gram, asked, gold_answer, grams, strings, words
from primum.evaluation.stats import rate
from primum.files import rounded
from primum.tasks.base import Example

RUN, SHORT_RUN, SHORT = 8, 5, 40  # words of a run, of a run in a short text, and words from which a text is not short
HEAVY = 0.7
NAMED = 3  # most overlapping rows that are named
COLUMNS = {
    "overlap": ("split", "against", "rows", "too_short", "words_a_run", "mean", "median", "most", "any", "heavy"),
    "contamination": ("split", "stage", "seed", "metric", "rows", *HALVES),
}


def audit_contamination(audited: Audited, root: Path) -> dict[str, Any]:
    """Rows of the tables in :data:`COLUMNS`; ``same_answer`` (a rate by split), and the most overlapping rows."""
    overlap: list[dict[str, Any]] = []
    halves: list[dict[str, Any]] = []
    same, named = {}, {}
    training = {example.id: [*asked(example), *strings(dict(example.gold))] for example in audited.training()}
    index = Index(training)
    pretrained = pretraining_text(root, audited.config.pretraining)
    beside = Index({"": pretrained}) if pretrained else None
    for split in audited.config.splits:
        rows = audited.found.rows[split]
        shares = {example.id: index.largest(asked(example)) for example in rows}
        overlap.append({"split": split, "against": TRAINING} | _described(rows, shares))
        if beside:
            spread = {example.id: beside.largest(asked(example)) for example in rows}
            overlap.append({"split": split, "against": PRETRAINING} | _described(rows, spread))
        told = answered_in_training(rows, audited.training())
        same[split] = rate(len(told), len(rows)).to_json()
        known = {i: share for i, (share, _) in shares.items() if share is not None}
        middle = median(known.values()) if known else 0.0
        above = {i for i, share in known.items() if share > middle}
        order = sorted(known, key=lambda i: (-known[i], i))[:NAMED]
        named[split] = [{"id": i, "share": rounded(known[i]), "in": shares[i][1]} for i in order if known[i]]
        for which, inside, counted in ((ABOVE, above, set(known)), (TOLD, told, set(shares))):
            halves += _halves(audited, split, which, inside, counted)
    return {
        "overlap": overlap,
        "contamination": halves,
        "same_answer": same,
        "most_overlapping": named,
        "pretraining": "searched" if beside else "not at hand: what this base was pretrained on is not listed",
    }


class Index:
    """Runs of words of many texts, and which text each stands in."""

    def __init__(self, texts: Mapping[str, Iterable[str]]) -> None:
        self._in: dict[Gram, set[str]] = defaultdict(set)
        for name, parts in texts.items():
            for sequence in map(words, parts):
                for size in (RUN, SHORT_RUN):
                    for run in grams(sequence, size):
                        self._in[run].add(name)

    def largest(self, parts: Sequence[str]) -> tuple[float | None, str]:
        """The largest share of the runs of a text that stand in one other text, and its name; None of a text too short
        for any run."""
        sequences = list(map(words, parts))
        size = size_of(sequences)
        runs = {run for sequence in sequences for run in grams(sequence, size)}
        if not runs:
            return None, ""
        counts = Counter(name for run in runs for name in self._in.get(run, ()))
        if not counts:
            return 0.0, ""
        best = min(counts, key=lambda name: (-counts[name], name))
        return counts[best] / len(runs), best


def size_of(sequences: Sequence[Sequence[str]]) -> int:
    """Words of a run, by the length of the whole text."""
    return RUN if sum(map(len, sequences)) >= SHORT else SHORT_RUN


def answered_in_training(rows: Sequence[Example], training: Sequence[Example]) -> set[str]:
    """Rows whose right answer stands, as words, in a training row about the same thing."""
    by_group: dict[str, list[str]] = defaultdict(list)
    for example in training:
        if example.group:
            texts = [*asked(example), *strings(dict(example.gold))]
            by_group[example.group] += [f" {' '.join(words(text))} " for text in texts]
    found = set()
    for example in rows:
        answer = " ".join(words(gold_answer(example)))
        if answer and any(f" {answer} " in text for text in by_group.get(example.group, ())):
            found.add(example.id)
    return found


def pretraining_text(root: Path, folder: str | None) -> list[str]:
    """Every statement and explanation of a bank's facts, as the tiny base learned them; nothing without a bank."""
    if folder is None:
        return []
    from primum.data.bank import load_bank

    bank = load_bank(root / folder)
    return [
        wording.format(entity=fact.entity, value=fact.value)
        for fact in bank.facts
        for wording in (*bank.relations[fact.relation].statements, bank.relations[fact.relation].explanation)
    ]


def _described(rows: Sequence[Example], shares: Mapping[str, tuple[float | None, str]]) -> dict[str, Any]:
    known = sorted(share for share, _ in shares.values() if share is not None)
    sizes = sorted({size_of(list(map(words, asked(example)))) for example in rows})
    return {
        "rows": len(rows),
        "too_short": len(rows) - len(known),
        "words_a_run": " or ".join(map(str, sizes)),
        "mean": rounded(sum(known) / len(known)) if known else None,
        "median": rounded(median(known)) if known else None,
        "most": rounded(known[-1]) if known else None,
        "any": sum(share > 0 for share in known),
        "heavy": sum(share >= HEAVY for share in known),
    }


def _halves(audited: Audited, split: str, which: str, inside: set[str], counted: set[str]) -> Iterator[dict[str, Any]]:
    """A row too short for any run was not measured, and belongs to neither half."""
    for stage, seed in audited.config.runs():
        scores = {i: score for i, score in audited.found.scores[stage, seed, split].items() if i in counted}
        where = {"split": split, "stage": stage, "seed": seed, "metric": audited.headline.name, "rows": which}
        yield where | by_half(audited.headline, scores, inside)

"""Questions that stand in two splits: the same ones, and near-duplicates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from primum.data.similarity import NearDuplicates, Words, normalise, sketches
from primum.data.similarity import word_pairs as pairs_of
from primum.errors import UserError
from primum.tasks.base import Example

SHOWN = 5


@dataclass(frozen=True, order=True)
class Leak:
    """Two rows of different splits that ask the same.

    Attributes:
        similarity: Jaccard similarity of their word pairs; 1 for the same question and options.
    """

    splits: tuple[str, str]
    ids: tuple[str, str]
    similarity: float
    same: bool

    def __str__(self) -> str:
        what = "the same question" if self.same else f"similarity {self.similarity:.2f}"
        return f"{self.ids[0]} ({self.splits[0]}) and {self.ids[1]} ({self.splits[1]}): {what}"


def word_pairs(example: Example) -> Words:
    """Pairs of neighbouring words of what is asked: every input but ids, and options in sorted order."""
    asked, options = _parts(example)
    return pairs_of(" ".join([asked, *options]))


def find_leaks(splits: Mapping[str, list[Example]], threshold: float) -> list[Leak]:
    """Every pair of rows of different splits that is the same or at least ``threshold`` similar.

    Args:
        splits: examples by split; a pair names its splits in this order.
        threshold: Jaccard similarity of :func:`word_pairs` from which two questions count as one.
    """
    rows = [(split, example) for split, examples in splits.items() for example in examples]
    texts: dict[tuple[str, tuple[str, ...]], list[int]] = defaultdict(list)
    for i, (_, example) in enumerate(rows):
        texts[_parts(example)].append(i)
    same = {pair for twins in texts.values() for pair in combinations(twins, 2)}
    pairs = [word_pairs(example) for _, example in rows]
    leaks = []
    alike = _alike(pairs, threshold)
    for a, b in sorted(same | alike.keys()):
        (split_a, row_a), (split_b, row_b) = rows[a], rows[b]
        if split_a != split_b:
            similarity = 1.0 if (a, b) in same else alike[a, b]
            leaks.append(Leak((split_a, split_b), (row_a.id, row_b.id), similarity, (a, b) in same))
    return leaks


def refuse(leaks: list[Leak]) -> None:
    """Stop with the first pairs named, if there are any."""
    if leaks:
        first = "; ".join(str(leak) for leak in leaks[:SHOWN])
        raise UserError(
            f"{len(leaks)} question(s) stand in two splits: {first}{'; ...' if len(leaks) > SHOWN else ''}.",
            "List ids to leave out in data.exclude, or set data.on_leak: drop to remove the training rows.",
        )


def _parts(example: Example) -> tuple[str, tuple[str, ...]]:
    """What is asked and the sorted options, normalised: equal where only the order of options differs."""
    options = (normalise(str(option)) for option in example.inputs.get("options", ()))
    keys = sorted(key for key in example.inputs if key != "options" and not key.endswith("_id"))
    asked = " ".join(normalise(str(example.inputs[key])) for key in keys)
    return asked, tuple(sorted(options))


def _alike(pairs: list[Words], threshold: float) -> dict[tuple[int, int], float]:
    """Similarity of every pair of indices that reaches the threshold."""
    index = NearDuplicates(threshold)
    found: dict[tuple[int, int], float] = {}
    for i, (words, sketch) in enumerate(zip(pairs, sketches(pairs), strict=True)):
        found.update(((j, i), similarity) for j, similarity in index.like(words, sketch))
        index.add(i, words, sketch)
    return found

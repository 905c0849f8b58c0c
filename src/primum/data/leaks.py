"""Questions that stand in two splits: the same ones, and near-duplicates by MinHash (Broder 1997; ``datasketch``)."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations, pairwise

from primum.errors import UserError
from primum.tasks.base import Example

Words = frozenset[tuple[str, ...]]
PERMUTATIONS = 128
SEED = 1
MISS = 1e-6  # chance at which a pair exactly at the threshold may escape the first, approximate pass
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


def normalise(text: str) -> str:
    """Compatible characters made one, case folded, white space and outer punctuation taken away."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()).strip(" .,:;?!-")


def word_pairs(example: Example) -> Words:
    """Pairs of neighbouring words of the question and its options in sorted order; a lone word stands for itself."""
    question, options = _parts(example)
    words = re.findall(r"\w+", " ".join([question, *options]))
    return frozenset(pairwise(words)) or frozenset((word,) for word in words)


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
    for a, b in sorted(same | _candidates(pairs, threshold)):
        (split_a, row_a), (split_b, row_b) = rows[a], rows[b]
        if split_a == split_b:
            continue
        similarity = 1.0 if (a, b) in same else len(pairs[a] & pairs[b]) / (len(pairs[a] | pairs[b]) or 1)
        if similarity >= threshold:
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
    """Question and sorted options, normalised: equal for questions that are the same but for the order of options."""
    options = (normalise(str(option)) for option in example.inputs.get("options", ()))
    return normalise(str(example.inputs.get("question", ""))), tuple(sorted(options))


def _bands(threshold: float) -> tuple[int, int]:
    """Bands, and rows a band, of the hash table: the longest band that misses a pair at the threshold below MISS."""
    fitting = (
        rows for rows in range(1, PERMUTATIONS // 2 + 1) if (1 - threshold**rows) ** (PERMUTATIONS // rows) <= MISS
    )
    rows = max(fitting, default=1)
    return PERMUTATIONS // rows, rows


def _candidates(pairs: list[Words], threshold: float) -> set[tuple[int, int]]:
    """Pairs of indices that share a band of their MinHashes. The caller computes their true similarity."""
    from datasketch import MinHash, MinHashLSH

    sketches = MinHash.generator(
        ([" ".join(pair).encode() for pair in sorted(words)] for words in pairs),
        num_perm=PERMUTATIONS,
        seed=SEED,
        scheme="affine32",
    )
    index = MinHashLSH(num_perm=PERMUTATIONS, params=_bands(threshold))
    found: set[tuple[int, int]] = set()
    for i, (words, sketch) in enumerate(zip(pairs, sketches, strict=True)):
        if words:
            found.update((j, i) for j in index.query(sketch))
            index.insert(i, sketch)
    return found

"""Near-duplicates among texts: MinHash over word pairs (Broder 1997; ``datasketch``), candidates compared exactly."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import sha1
from itertools import pairwise
from typing import Any

Words = frozenset[str]  # pairs, as 'one two'
PERMUTATIONS = 128
SEED = 1
MISS = 1e-6  # chance at which a pair exactly at the threshold may escape the first, approximate pass


def normalise(text: str) -> str:
    """Compatible characters made one, case folded, white space and outer punctuation taken away."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()).strip(" .,:;?!-")


def word_pairs(text: str) -> Words:
    """Pairs of neighbouring words; a lone word stands for itself."""
    words = re.findall(r"\w+", text)
    return frozenset(map(" ".join, pairwise(words))) or frozenset(words)


def jaccard(a: Words, b: Words) -> float:
    """Share of common word pairs."""
    common = len(a & b)
    return common / (len(a) + len(b) - common or 1)


def sketches(texts: Iterable[Words]) -> Iterator[Any]:
    """MinHashes, in order; made in bulk, since one by one they cost several times as much."""
    from datasketch import MinHash

    return MinHash.generator(texts, num_perm=PERMUTATIONS, seed=SEED, scheme="affine32", hashfunc=_hashed)


@lru_cache(maxsize=1 << 17)
def _hashed(pair: str) -> int:
    """As ``datasketch.hashfunc.sha1_hash32`` does."""
    return int.from_bytes(sha1(pair.encode()).digest()[:4], "little")


class NearDuplicates:
    """The texts so far, by a number, and those among them that a new one resembles.

    Args:
        threshold: Jaccard similarity of word pairs from which two texts count as one.
    """

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        bands, self._rows = _bands(threshold)
        # By band: hashes -> the last text with them, and for every text the one before it, so that no list is made for
        # each. ``datasketch.MinHashLSH`` finds the same, at several times the cost.
        self._last: list[dict[bytes, int]] = [{} for _ in range(bands)]
        self._before: dict[int, tuple[int | None, ...]] = {}
        self._words: dict[int, Words] = {}

    def like(self, words: Words, sketch: Any) -> list[tuple[int, float]]:
        """``(number, similarity)`` of every text at least as similar as the threshold, by number."""
        if not words:
            return []
        near: set[int] = set()
        for band, number in enumerate(map(dict.get, self._last, self._keys(sketch))):
            while number is not None:
                near.add(number)
                number = self._before[number][band]
        found = ((number, jaccard(words, self._words[number])) for number in sorted(near))
        return [(number, similarity) for number, similarity in found if similarity >= self._threshold]

    def add(self, number: int, words: Words, sketch: Any) -> None:
        """Remember a text."""
        if words:
            keys = self._keys(sketch)
            self._before[number] = tuple(map(dict.get, self._last, keys))
            for table, key in zip(self._last, keys, strict=True):
                table[key] = number
            self._words[number] = words

    def _keys(self, sketch: Any) -> list[bytes]:
        """The sketch's hashes, band by band."""
        hashes, size = sketch.hashvalues.tobytes(), self._rows * sketch.hashvalues.itemsize
        return [hashes[place * size : (place + 1) * size] for place in range(len(self._last))]


def _bands(threshold: float) -> tuple[int, int]:
    """Bands, and rows a band, of the hash table: the longest band that misses a pair at the threshold below MISS."""
    fitting = (
        rows for rows in range(1, PERMUTATIONS // 2 + 1) if (1 - threshold**rows) ** (PERMUTATIONS // rows) <= MISS
    )
    rows = max(fitting, default=1)
    return PERMUTATIONS // rows, rows

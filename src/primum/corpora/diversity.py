"""How varied the rows of a corpus are: distinct-n of Li et al. (2016, arXiv 1510.03055), lengths, groups, openings."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

from primum.files import rounded
from primum.text.words import tokens


def diversity(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Measures over all rows.

    Returns:
        ``groups`` (different facts and traps); and for context, question, think and answer: ``distinct`` (different
        texts), ``distinct_1`` and ``distinct_2`` (different words and word pairs, of all), words at the least, in the
        mean and at the most, and ``commonest_opening``, the share of texts with the commonest first three words.
    """
    texts = {name: [row["inputs"][name] for row in rows] for name in ("context", "question")}
    texts |= {name: [row["gold"][name] for row in rows] for name in ("think", "answer")}
    return {"groups": len({row["group"] for row in rows})} | {name: _measure(part) for name, part in texts.items()}


def _measure(texts: list[str]) -> dict[str, Any]:
    words = [tokens(text) for text in texts]
    single = Counter(word for text in words for word in text)
    double = Counter(pair for text in words for pair in pairwise(text))
    lengths = [len(text.split()) for text in texts]
    openings = Counter(text[:3] for text in words)
    return {
        "distinct": len(set(texts)),
        "distinct_1": rounded(len(single) / max(1, single.total())),
        "distinct_2": rounded(len(double) / max(1, double.total())),
        "words_least": min(lengths),
        "words_mean": rounded(sum(lengths) / len(lengths)),
        "words_most": max(lengths),
        "commonest_opening": rounded(openings.most_common(1)[0][1] / len(texts)),
    }

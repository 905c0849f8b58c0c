"""How far a corpus gives away whether to abstain: classifiers that see words and no meaning, tried on held-out rows.

Logistic regression over words and word pairs, each counted once a text, fitted to the training splits. A corpus on
which it does well lets a model abstain by style, and then abstention measured on it measures style. One score more
looks at how much of the question stands in the context's best sentence: what a reader would begin with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import sqrt
from typing import Any

import numpy as np

from primum.files import rounded, sha256_bytes
from primum.text.words import content, sentences, tokens

Z = 1.959964  # of a two-sided 95 % interval
EPOCHS = 20
RATE = 2.0  # of the steps at first; it falls to 0
Row = dict[str, Any]


def answerable(row: Row) -> bool:
    """Whether the row's context answers its question."""
    return row["gold"]["expects"] == "answer"


def features(text: str, mark: str = "") -> frozenset[str]:
    """Words and pairs of neighbouring words of a text."""
    words = tokens(text)
    return frozenset((*(mark + w for w in words), *(f"{mark}{a} {b}" for a, b in pairwise(words))))


def question(row: Row) -> frozenset[str]:
    return features(row["inputs"]["question"], "?")


def context(row: Row) -> frozenset[str]:
    return features(row["inputs"]["context"])


def both(row: Row) -> frozenset[str]:
    return question(row) | context(row)


def overlap(row: Row) -> float:
    """The largest share of the question's words in one sentence of the context."""
    asked = set(content(tokens(row["inputs"]["question"])))
    found = (len(asked & set(content(tokens(s)))) for s in sentences(row["inputs"]["context"]))
    return max(found, default=0) / max(1, len(asked))


SEEN = {"question": question, "context": context, "both": both}


class Words:
    """Logistic regression on what is seen of a row; rows that can be answered and rows that cannot weigh the same."""

    def __init__(self, rows: Sequence[Row], seen: Callable[[Row], frozenset[str]]) -> None:
        self._seen = seen
        texts = [sorted(seen(row)) for row in sorted(rows, key=lambda row: _mixed(row["id"]))]
        truths = [answerable(row) for row in sorted(rows, key=lambda row: _mixed(row["id"]))]
        self._places: dict[str, int] = {}
        for word in (word for text in texts for word in text):
            self._places.setdefault(word, len(self._places) + 1)  # place 0 is the bias
        self._weights = np.zeros(len(self._places) + 1)
        known = [self._known(text) for text in texts]
        weight = {side: len(truths) / 2 / truths.count(side) for side in (True, False)}
        steps = EPOCHS * len(rows)
        for step in range(steps):
            place, truth = known[step % len(rows)], truths[step % len(rows)]
            off = truth - 1 / (1 + np.exp(-self._score(place)))
            self._weights[place] += RATE * (1 - step / steps) * weight[truth] * off / sqrt(len(place))

    def _known(self, text: Sequence[str]) -> list[int]:
        return [0, *(self._places[word] for word in text if word in self._places)]

    def _score(self, places: list[int]) -> float:
        """Long texts have as much to say as short ones."""
        return float(self._weights[places].sum()) / sqrt(len(places))

    def __call__(self, row: Row) -> bool:
        """Whether it takes the row for answerable."""
        return self._score(self._known(sorted(self._seen(row)))) > 0


def _mixed(row_id: str) -> str:
    """An order that has nothing to do with kinds."""
    return sha256_bytes(row_id.encode())


class Threshold:
    """Answerable from some overlap on: the one that does best on the training rows."""

    def __init__(self, rows: Sequence[Row]) -> None:
        scores = [(overlap(row), answerable(row)) for row in rows]
        cuts = sorted({score for score, _ in scores})
        self._cut = max(cuts, key=lambda cut: (_balanced([(score >= cut, truth) for score, truth in scores])[0], -cut))

    def __call__(self, row: Row) -> bool:
        return overlap(row) >= self._cut


def _balanced(found: Sequence[tuple[bool, bool]]) -> tuple[float, float]:
    """Balanced accuracy of (guess, truth), and half of its 95 % interval."""
    rates, variance = [], 0.0
    for side in (True, False):
        right = [guess == truth for guess, truth in found if truth == side]
        share = sum(right) / len(right)
        rates.append(share)
        # Wilson's centre: a rate of 0 or 1 has a width, too.
        shrunk = (sum(right) + Z * Z / 2) / (len(right) + Z * Z)
        variance += shrunk * (1 - shrunk) / (len(right) + Z * Z)
    return sum(rates) / 2, Z * sqrt(variance) / 2


def chance(rows: Sequence[Row]) -> float:
    """The balanced accuracy below which 97.5 % of the coin-tossers stay on these rows."""
    sizes = [sum(answerable(row) == side for row in rows) for side in (True, False)]
    return 0.5 + Z * sqrt(sum(0.25 / size for size in sizes)) / 2


def surface(train: Sequence[Row], test: Sequence[Row]) -> dict[str, Any]:
    """What surfaces give away, measured on ``test``.

    Returns:
        ``rows``; ``answerable``, what answering always would score; ``chance``, up to where a coin comes; and for each
        of ``question``, ``context``, ``both`` and ``overlap``: ``value`` (balanced accuracy), ``low``, ``high``.
        Empty where train or test lack one of the two sorts of rows.
    """
    if any(len({answerable(row) for row in rows}) < 2 for rows in (train, test)):
        return {}
    guesses: dict[str, Callable[[Row], bool]] = {name: Words(train, seen) for name, seen in SEEN.items()}
    guesses["overlap"] = Threshold(train)
    scores = {}
    for name, guess in guesses.items():
        value, half = _balanced([(guess(row), answerable(row)) for row in test])
        scores[name] = {
            "value": rounded(value),
            "low": rounded(max(0.0, value - half)),
            "high": rounded(min(1.0, value + half)),
        }
    share = sum(map(answerable, test)) / len(test)
    return {"rows": len(test), "answerable": rounded(share), "chance": rounded(chance(test)), **scores}

"""A needle hidden among irrelevant medical axioms; where and among how many is put on record."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from primum.text.words import find, tokens


def hide(
    needle: str, value: str, axioms: Sequence[str], bounds: tuple[int, int], rng: random.Random
) -> tuple[str, dict[str, Any]]:
    """Put ``needle`` somewhere among axioms.

    Args:
        needle: what has to be found.
        value: the answer; axioms that hold it are left out.
        axioms: to draw from, without repetition.
        bounds: fewest and most axioms.
        rng: draws number, axioms and place.

    Returns:
        The context, and ``{"axioms", "position", "words"}``: how many, behind how many of them the needle stands, and
        how long it all is.
    """
    pool = _without(value, tuple(axioms))
    count = min(rng.randint(*bounds), len(pool))
    straws = rng.sample(pool, count)
    place = rng.randint(0, count)
    context = " ".join([*straws[:place], needle, *straws[place:]])
    return context, {"axioms": count, "position": place, "words": len(context.split())}


@lru_cache(maxsize=1024)
def _without(value: str, axioms: tuple[str, ...]) -> list[str]:
    answer = tokens(value)
    return [axiom for axiom in axioms if find(answer, tokens(axiom)) < 0]

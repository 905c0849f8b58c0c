"""Whether quotes stand in their context. Similarity alone would pass a negation flip or a tenfold dose.

A quote is grounded if its words stand in the context in one piece. Failing that, at least 90 % similarity to some place
(``rapidfuzz.fuzz.partial_ratio_alignment``) will do, if that place has every number with its unit, every negation and
every content word of the quote. A quote that leaves out a negation in front of it is not grounded.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections import Counter
from functools import lru_cache

from primum.text.words import NEGATIONS, figures, find, is_measure, is_number, normalise, sentences, tokens

MIN_CHARS = 20  # below it, words stand in a context by chance
MIN_RATIO = 90.0  # unrelated quotes of 120 characters peak at 45
NEAR = 6  # words before a quote in which a negation belongs to it
# Words without which a quote says the same. Comparatives, modals and prepositions of place are none of them.
_FUNCTION = frozenset("a an the of to and is was were are be been in on at by for with that this it its".split())
PREAMBLE = 8  # words that may stand around a quotation: 'The report says:'
_BULLET = re.compile(r"^\s*(?:[-*\u2022\u2013]|\(?\d{1,2}[.)])\s+")
_QUOTED = re.compile(r'"([^"]+)"')
_ELLIPSIS = re.compile(r"\[?\s*\.{3,}\s*\]?")
_CURLY = str.maketrans("\u201c\u201d\u00ab\u00bb", '""""') | {0x2026: "..."}


def quotes(proof: str) -> list[str]:
    """The quotes of a proof: one a line, bullets and quotation marks taken off.

    A line that goes on the one before it (no bullet, no mark, nothing ended) is part of it. Words around quotation
    marks are a preamble if they are few and hold no number; else the whole line is the quote, and has to stand as such.
    """
    lines: list[str] = []
    for line in proof.translate(_CURLY).splitlines():
        begins = bool(_BULLET.match(line)) or line.lstrip().startswith('"')
        line = _BULLET.sub("", line).strip()
        if lines and line and not begins and lines[-1] and lines[-1][-1] not in '.!?;"' and line[:1].islower():
            lines[-1] += f" {line}"
        elif line:
            lines.append(line)
    found: list[str] = []
    for line in lines:
        quoted = _QUOTED.findall(line)
        around = tokens(_QUOTED.sub(" ", line))
        if not quoted or len(around) > PREAMBLE or any(map(is_number, around)):
            quoted = [line.strip('"')]
        found += [part.strip(" ,;:") for part in quoted if part.strip(" .,;:")]
    return found


@lru_cache(maxsize=8192)
def ungrounded(quote: str, context: str, min_chars: int = MIN_CHARS) -> str:
    """Why ``quote`` does not stand in ``context``; empty where it does. An ellipsis stands for what was left out."""
    if len(normalise(quote)) < min_chars:
        return f"quote shorter than {min_chars} characters"
    pieces = [tokens(piece) for piece in _ELLIPSIS.split(quote.translate(_CURLY)) if piece.strip(" .,;:")]
    if not any(pieces):
        return "quote says nothing"
    if len(pieces) == 1:
        return _missing(pieces[0], context)
    words, _ = _context(context)
    last = -1
    for piece in pieces:  # what is left out may hide a 'not': the pieces have to follow each other, word for word
        place = find(piece, words[last + 1 :])
        if place < 0:
            return "quote is not in the context"
        skipped = words[last + 1 : last + 1 + place] if last >= 0 else ()
        if any(word in NEGATIONS for word in skipped):
            return "quote leaves out a negation"
        last += place + len(piece)
    return _clipped(pieces[0], context)


@lru_cache(maxsize=4096)
def _context(context: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """A context's words, and where its sentences begin: normalising costs most of the time."""
    words: list[str] = []
    starts: list[int] = []
    for sentence in sentences(context):
        starts.append(len(words))
        words += tokens(sentence)
    return tuple(words), tuple(starts)


@lru_cache(maxsize=4096)
def _padded(context: str) -> str:
    return f" {' '.join(_context(context)[0])} "


def _missing(words: tuple[str, ...], context: str) -> str:
    if f" {' '.join(words)} " in _padded(context):
        return _clipped(words, context)
    wanted = {word for word in words if word.isalpha() and word not in _FUNCTION and not is_measure(word)}
    if wanted - NEGATIONS - set(_context(context)[0]):  # told at once; an alignment of long texts takes long
        return "quote has words that are not in the context"
    from rapidfuzz import fuzz

    padded = _padded(context)
    found = fuzz.partial_ratio_alignment(" ".join(words), padded, score_cutoff=MIN_RATIO)
    if found is None:
        return "quote is not in the context"
    # The place's own words in full: an alignment may begin or end within one.
    start = padded.rfind(" ", 0, found.dest_start + 1)
    stop = padded.find(" ", max(found.dest_end - 1, 0))
    window = tuple(padded[start + 1 : stop if stop >= 0 else None].split())
    if figures(words) != figures(window):
        return "quote has another number or unit than the context"
    if _negating(words) != _negating(window):
        return "quote has another negation than the context"
    if Counter(w for w in words if w not in _FUNCTION) - Counter(window):
        return "quote has words that are not in the context"
    return _clipped(window, context)


def _negating(words: tuple[str, ...] | list[str]) -> Counter[str]:
    return Counter(word for word in words if word in NEGATIONS)


def _clipped(words: tuple[str, ...], context: str) -> str:
    """A quote from the middle of a sentence must not leave out the negation before it."""
    there, starts = _context(context)
    place, offset = -1, 0
    while (step := find(words, there[offset:])) >= 0:
        place = offset + step
        begin = starts[bisect(starts, place) - 1]
        if not any(word in NEGATIONS for word in there[max(begin, place - NEAR) : place]):
            return ""
        offset = place + 1
    return "quote leaves out the negation before it" if place >= 0 else ""

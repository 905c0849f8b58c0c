"""Whether an answer states the right thing, invents a figure, or says what its own quotes do not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from primum.text.words import (
    NEGATIONS,
    PLAIN,
    Number,
    content,
    find,
    fold,
    is_measure,
    normalise,
    numbers,
    sentences,
    tokens,
)

COPIED = 0.6  # share of the words of a context (of at least LONG words) from which an answer is a copy of it
LONG = 25
MIN_SHARE = 0.8  # of a longer key's words that a rewording must keep
MIN_RATIO = 90.0  # similarity of whole answers, where no key is known
STRANGE = 1  # words of its own that a right answer may have
SUPPORTED = 0.5  # share of an answer's own words that its quotes must hold
# Words that deny what stands in their clause, beside the negations.
DENIALS = frozenset(
    "spared myth false untrue wrong incorrect rejected refused considered feared planned wild instead rather ruled "
    "discarded withdrawn doubt doubtful far avoid wrongly mistakenly falsely hardly anything myth".split()
)
# Words that put a right answer in a sentence without saying anything else.
FRAME = frozenset(
    "total amount answer value figure name call called mean median about approximately equal come came make made "
    "making result reach reached deliver delivered prescribe prescribed administer administered yield "
    "find found identify "
    "identified confirm confirmed diagnose diagnosed time interval course schedule number case one first second".split()
)
# Words that make a bound of a figure.
BOUNDS = (
    "more",
    "less",
    "fewer",
    "over",
    "under",
    "above",
    "below",
    "beyond",
    "exceeding",
    "almost",
    "nearly",
    "until",
)
OPPOSITES = (
    ("left", "right"), ("increased", "decreased"), ("increase", "decrease"), ("upper", "lower"), ("before", "after"),
    ("more", "fewer"), ("more", "less"), ("higher", "lower"), ("above", "below"), ("anterior", "posterior"),
    ("ventral", "dorsal"), ("rostral", "caudal"), ("medial", "lateral"), ("boy", "girl"), ("male", "female"),
    ("improved", "worsened"), ("present", "absent"), ("positive", "negative"),
)  # fmt: skip
_OPPOSED = frozenset(word for pair in OPPOSITES for word in pair)
_CLAUSE = re.compile(
    r"[,;:.!?]\s+|[,;:.!?]$|\s-\s|\b(?:but|whereas|while)\b|(?=\b(?:rather than|instead of|not that|and not)\b)|\n+"
)
_OPENING = re.compile(r"^\W*(yes|no)\b")
_MARKER = re.compile(r"^\s*(?:\(?\d{1,2}[.)]|\[\d{1,2}\])\s+|\[\d{1,2}\]")


def misses(
    answer: str, key: str, gold: str, alternatives: Sequence[str], question: str, max_words: int, beside: str = ""
) -> str:
    """Why ``answer`` does not state ``key``; empty where it does.

    Args:
        answer: what was answered.
        key: the shortest right answer; where it is empty, the whole ``gold`` is compared.
        gold: the right answer in a sentence: its negations and its other figures are right as well.
        alternatives: wrong answers; putting one forward beside the key is no answer.
        question: figures that it gives may be repeated.
        max_words: an answer is no copy of the context.
        beside: the quotes that hold the key: what else they say is no rival.
    """
    answer = _MARKER.sub("", answer)
    words = tokens(answer)
    if len(answer.split()) > max_words:
        return f"answer of more than {max_words} words"
    if answer.rstrip().endswith("?") and len(sentences(answer)) == 1:
        return "answer is a question"
    if not key:
        return _unlike(answer, gold)
    if not holds(words, key, question):
        return "answer is another"
    opening, right = _OPENING.match(normalise(answer)), _OPENING.match(normalise(gold))
    if opening and right and opening[1] != right[1]:
        return "answer begins with the contrary"
    given = (gold, key, question, beside)
    if bound := next((w for w in BOUNDS if w in words and all(w not in tokens(text) for text in given)), ""):
        return f"answer says '{bound}'"
    if rival := _rival(answer, key, gold, alternatives, question, beside):
        return f"answer names a rival ({rival})"
    wanted = _polarity(gold, key, question)
    if any(found != wanted[0] for found in _polarity(answer, key, question)):
        return "answer negates it"
    return ""


def holds(words: tuple[str, ...], key: str, question: str, rate: bool = False) -> bool:
    """Whether ``words`` give the key: its figures in whatever units, its words in one piece, or most of a longer key's.

    With ``rate``, a figure may be told per something that the key leaves out: '1.8 Gy per fraction' gives '1.8 Gy'.
    """
    wanted = tokens(key)
    figures, there = numbers(wanted), numbers(words)
    if any(unit for _, unit in figures):
        size = len(figures)
        asked = {unit for _, unit in numbers(tokens(f"1 {' 1 '.join(tokens(question))}")) if unit}
        return any(
            all(
                v == w and (u == t or (not u and t in asked) or (rate and u.startswith(f"{t}/")))
                for (v, u), (w, t) in zip(there[i : i + size], figures, strict=True)
            )
            for i in range(len(there) - size + 1)
        )
    if find(_folded(wanted), _folded(words)) >= 0:
        return True
    stems = content(wanted)
    if len(stems) < 2 or figures or bool(_negating(wanted)) != bool(_negating(words)):
        return False
    found = set(content(words))
    return sum(word in found for word in stems) / len(stems) >= MIN_SHARE


@lru_cache(maxsize=4096)
def _folded(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(fold, words))


def _rival(answer: str, key: str, gold: str, alternatives: Sequence[str], question: str, beside: str) -> str:
    """Another figure in the key's unit, or one of the alternatives, that its clause does not deny."""
    figures = numbers(tokens(key))
    units = {unit for _, unit in figures if unit}
    allowed = {*figures, *(n for text in (gold, question, beside) for n in numbers(tokens(text)))}
    allowed -= {
        n for text in alternatives for n in numbers(tokens(text)) if n not in figures and n not in numbers(tokens(gold))
    }
    right = (tokens(gold), tokens(key))
    for clause in _CLAUSE.split(normalise(answer)):
        words = tokens(clause or "")
        if set(words) & (NEGATIONS | DENIALS):
            continue
        for value, unit in numbers(words):
            if unit in units and (value, unit) not in allowed:
                return f"{value:g} {unit}"
        for alternative in alternatives:
            wanted = tokens(alternative)
            if wanted and find(wanted, words) >= 0 and all(find(wanted, text) < 0 for text in right):
                return alternative
    return ""


def _negating(words: Sequence[str]) -> int:
    return sum(word in NEGATIONS or word in DENIALS for word in words)


def _polarity(text: str, key: str, question: str) -> list[int]:
    """Negations, odd or even, around the key in each clause that holds it; [0] where none does."""
    own = _negating(tokens(key))
    found = []
    for clause in _CLAUSE.split(_OPENING.sub("", normalise(text))):
        words = tokens(clause or "")
        if words and holds(words, key, question):
            found.append((_negating(words) - own) % 2)
    return found or [0]


def _unlike(answer: str, gold: str) -> str:
    from rapidfuzz import fuzz

    given, wanted = tokens(answer), tokens(gold)
    if sorted(numbers(given)) != sorted(numbers(wanted)):
        return "answer has other figures"
    if _negating(given) % 2 != _negating(wanted) % 2:
        return "answer negates it"
    return "" if fuzz.token_sort_ratio(" ".join(given), " ".join(wanted)) >= MIN_RATIO else "answer is another"


def invented(answer: str, sources: Iterable[str]) -> str:
    """A figure of ``answer`` that stands in none of ``sources``; empty where there is none."""
    known = [number for source in sources for number in numbers(tokens(source))]
    for value, unit in numbers(tokens(_MARKER.sub(" ", answer))):
        if not _known(value, unit, known):
            return f"{value:g} {unit}".strip()
    return ""


def _known(value: float, unit: str, known: Iterable[Number]) -> bool:
    """The same number; a unit left out on either side does no harm, another unit does."""
    unit = unit.partition("/")[0]
    return any(value == other and (unit == base.partition("/")[0] or not unit or not base) for other, base in known)


def unsupported(
    answer: str, quotes: Sequence[str], context: str, question: str, gold: str, operands: Sequence[str] = ()
) -> str:
    """Why the quotes do not carry the answer; empty where they do.

    Args:
        gold: what a right answer states, key and sentence; empty for an answer that is not right.
        operands: figures that the key was computed from: the quotes must hold them.
    """
    quoted = tuple(word for quote in quotes for word in tokens(quote))
    if operands:
        missing = [operand for operand in operands if operand not in quoted]
        if missing:
            return f"its quotes do not give {missing[0]}"
    if figure := invented(answer, [*quotes, question, *([gold] if operands else [])]):
        return f"its quotes do not give {figure}"
    said = {*tokens(answer)}
    for pair in OPPOSITES if said & _OPPOSED else ():
        for word, contrary in (pair, pair[::-1]):
            if word in said and contrary in quoted and word not in quoted and contrary not in said:
                return f"its quotes say '{contrary}'"
    own = set(content(tokens(answer))) - set(content(tokens(question)))
    there = set(content(quoted))
    if gold:  # a right answer says what gold, question and quotes say, in plain words, and little beside
        strange = {w for w in own - there - set(content(tokens(gold))) - PLAIN - FRAME if not is_measure(w)}
        elsewhere = strange & set(content(tokens(context)))
        return f"its quotes do not speak of '{min(strange)}'" if elsewhere or len(strange) > STRANGE else ""
    if own and len(own & there) / len(own) < SUPPORTED:
        return "its quotes are about something else"
    return ""


def copied(answer: str, context: str) -> bool:
    """Whether the answer repeats most of its context instead of answering."""
    words = context.split()
    return len(words) >= LONG and len(answer.split()) >= COPIED * len(words)

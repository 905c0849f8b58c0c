"""Words, numbers with units, and negations of a text: the exact things that similarity alone would blur."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain, compress

_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u00ad"), "-")
_MARKS = {0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"', 0x2026: "...", 0x00D7: "x"}
_INVISIBLE = dict.fromkeys((0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF))
_TABLE = _DASHES | _MARKS | _INVISIBLE
# A number keeps its decimals, a negative sign none; '%', '/' and comparisons carry meaning; other punctuation does not.
_TOKEN = re.compile(r"m[23]\b|\d+(?:\.\d+)?|[^\W\d_]+(?:'[^\W\d_]+)?|[%/<>\u2264\u2265=+]")
_ASCII_TOKEN = re.compile(r"m[23]\b|[a-z]+(?:'[a-z]+)?|[0-9]+(?:\.[0-9]+)?|[%/<>=+]")  # the same of ASCII in lower case
# Both begin with the sign itself: a pattern that begins with a look-behind is tried at every character.
_THOUSANDS = re.compile(r",(?<=\d,)(?=\d{3}(?!\d))")
_SENTENCE = re.compile(r"([.!?;\n])(?:(?<!\n)[\"')\]]*\s+|(?<=\n)\n*)")

NEGATIONS = frozenset(
    "no not non none never nor neither without cannot absent absence lacks lack lacking lacked negative denied denies "
    "excluded except unlikely nothing nobody nowhere contraindicated".split()
)
_CARDINALS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
).split()
_SPELLED = {word: str(n) for n, word in enumerate(_CARDINALS)} | {
    word: str(10 * n) for n, word in enumerate("thirty forty fifty sixty seventy eighty ninety".split(), 3)
}
# What a unit counts in, and how many of that it is. Synonyms agree; whatever is not listed is a plain word.
_UNITS: dict[str, tuple[str, float]] = {
    **dict.fromkeys(("gy", "gray", "grays"), ("gy", 1.0)),
    **dict.fromkeys(("cgy", "centigray"), ("gy", 0.01)),
    **dict.fromkeys(("mg", "milligram", "milligrams"), ("mg", 1.0)),
    **dict.fromkeys(("g", "gram", "grams"), ("mg", 1000.0)),
    **dict.fromkeys(("mcg", "ug", "microgram", "micrograms"), ("mg", 0.001)),
    **dict.fromkeys(("kg", "kilogram", "kilograms"), ("kg", 1.0)),
    **dict.fromkeys(("ml", "millilitre", "millilitres", "milliliter", "milliliters"), ("ml", 1.0)),
    **dict.fromkeys(("l", "litre", "litres", "liter", "liters"), ("ml", 1000.0)),
    **dict.fromkeys(("mm", "millimetre", "millimetres", "millimeter", "millimeters"), ("mm", 1.0)),
    **dict.fromkeys(("cm", "centimetre", "centimetres", "centimeter", "centimeters"), ("mm", 10.0)),
    **dict.fromkeys(("%", "percent", "pct"), ("%", 1.0)),
    **dict.fromkeys(("year", "years", "yr", "yrs"), ("year", 1.0)),
    **dict.fromkeys(("month", "months", "mo"), ("month", 1.0)),
    **dict.fromkeys(("week", "weeks", "wk", "wks"), ("day", 7.0)),
    **dict.fromkeys(("day", "days"), ("day", 1.0)),
    **dict.fromkeys(("hour", "hours", "hr", "hrs"), ("hour", 1.0)),
    **dict.fromkeys(("minute", "minutes", "min", "mins"), ("minute", 1.0)),
    **dict.fromkeys(("fraction", "fractions"), ("fraction", 1.0)),
    **dict.fromkeys(("cycle", "cycles"), ("cycle", 1.0)),
    **dict.fromkeys(("patient", "patients", "child", "children"), ("patient", 1.0)),
}
STOP_WORDS = frozenset(
    "a an and are as at be been but by did do does for from had has have he her his i if in into is it its of on or "
    "our per she so than that the their them then there these they this those to was we were what when where which "
    "while who whom whose why will with would you your about after also any because can could during each how "
    "may more most over "
    "should some such under up upon very via evidence sign signs".split()
)
# Content words that say nothing of their own beside a figure or a name.
PLAIN = frozenset(
    "give given gave receive received total take taken took use used treat treated treatment dose daily patient child "
    "boy girl say says said text context report reported state stated according record recorded note show showed shown "
    "answer amount start started now still here ones".split()
)
_PER = ("/", "per")
LONG = 300  # characters from which a text is read sentence by sentence
Number = tuple[float, str]  # value in the unit's base, and that base ('' where no unit follows)


def normalise(text: str) -> str:
    """One form for texts that read the same: NFKC, case folded, plain dashes and quotes, single spaces."""
    if text.isascii():
        return " ".join(text.lower().split())
    return " ".join(unicodedata.normalize("NFKC", text.translate(_TABLE)).translate(_TABLE).casefold().split())


@lru_cache(maxsize=8192)
def tokens(text: str) -> tuple[str, ...]:
    """Words, numbers and signs that carry meaning. '54Gy' and '54 Gy' are the same; so are 'H3-K27M' and 'H3 K27M'."""
    parts = sentences(text) if len(text) > LONG else ()
    if len(parts) > 1:  # no word goes across the end of a sentence, and sentences come again in other texts
        return tuple(chain.from_iterable(map(tokens, parts)))
    plain = _THOUSANDS.sub("", normalise(text)).replace("can't", "can not").replace("n't", " not")
    return tuple((_ASCII_TOKEN if plain.isascii() else _TOKEN).findall(plain))


def sentences(text: str) -> list[str]:
    """Sentences, cut behind '.', '!', '?' and ';' where white space follows, and at line ends."""
    return list(_cut(text))


@lru_cache(maxsize=1024)
def _cut(text: str) -> tuple[str, ...]:
    *whole, last = _SENTENCE.split(text)
    parts = [*map(str.__add__, whole[::2], whole[1::2]), last]
    return tuple(filter(None, map(str.strip, parts)))


def is_number(token: str) -> bool:
    """Digits, with or without decimals."""
    return token[:1].isdigit()


def is_measure(word: str) -> bool:
    """A unit, or a number spelled out."""
    return word in _UNITS or word in _SPELLED


def figures(words: Sequence[str]) -> list[str]:
    """Every number in order with the unit or word behind it, and what it is per, as written: a quote must keep them."""
    found = []
    for i, word in enumerate(words):
        if is_number(word) or word in _SPELLED:
            behind = list(words[i + 1 : i + 2])
            if words[i + 2 : i + 3] and words[i + 2] in _PER:
                behind += words[i + 2 : i + 4]
            found.append(" ".join([_SPELLED.get(word, word), *behind]))
    return found


@lru_cache(maxsize=8192)
def numbers(words: tuple[str, ...]) -> tuple[Number, ...]:
    """Every number in digits, or spelled with a unit behind it, in the base of its unit: '5400 cGy' is (54, 'gy').

    In 'between 9 and 12 months' and '9-12 months' both numbers are months. '10 mg/kg' and '1.8 Gy per fraction' have
    the units 'mg/kg' and 'gy/fraction'.
    """
    found: list[Number] = []
    done = 0
    for i in compress(range(len(words)), map(_counts, words)):
        word, size = words[i], 1
        if i < done:
            continue
        if is_number(word):
            value = float(word)
        else:
            value = float(_SPELLED[word])
            if value >= 20 and i + 1 < len(words) and 0 < float(_SPELLED.get(words[i + 1], 0)) < 10:
                value, size = value + float(_SPELLED[words[i + 1]]), 2
        base, factor = _unit_behind(words, i + size)
        if is_number(word) or base:
            found.append((round(value * factor, 6), base))
        done = i + size
    return tuple(found)


@lru_cache(maxsize=65536)
def _counts(word: str) -> bool:
    return word in _SPELLED or is_number(word)


def figures_with_units(words: tuple[str, ...]) -> list[Number]:
    """Numbers that measure something."""
    return [number for number in numbers(words) if number[1]]


def _unit_behind(words: Sequence[str], place: int) -> tuple[str, float]:
    """The unit at ``place``; in a range, that of the number which ends it. With what it is per, where that follows."""
    if (
        place + 1 < len(words)
        and words[place] in ("to", "and", "or")
        and (is_number(words[place + 1]) or words[place + 1] in _SPELLED)
    ):
        place += 2
    elif 0 < place < len(words) and is_number(words[place]) and is_number(words[place - 1]):
        place += 1
    if place >= len(words) or words[place] not in _UNITS:
        return "", 1.0
    base, factor = _UNITS[words[place]]
    after = words[place + 1 : place + 3]
    if len(after) == 2 and after[0] in _PER:
        base = f"{base}/{_UNITS.get(after[1], (after[1], 1.0))[0]}"
    elif after and after[0] in ("daily", "weekly"):
        base = f"{base}/{'day' if after[0] == 'daily' else 'week'}"
    return base, factor


def negations(words: Sequence[str]) -> int:
    """How many negating words there are."""
    return sum(word in NEGATIONS for word in words)


@lru_cache(maxsize=8192)
def content(words: tuple[str, ...]) -> tuple[str, ...]:
    """Words that carry content, plurals as singulars; no numbers, signs or negations."""
    return tuple(filter(None, map(_carried, words)))


@lru_cache(maxsize=65536)
def _carried(word: str) -> str:
    """A content word folded; empty for any other."""
    plain = len(word) < 2 or word in STOP_WORDS or word in NEGATIONS or not word.isalpha()
    return "" if plain else fold(word)


@lru_cache(maxsize=65536)
def fold(word: str) -> str:
    """British and American spellings as one, plurals as singulars."""
    return stem(word).replace("ae", "e").replace("oe", "e").replace("our", "or")


def stem(word: str) -> str:
    """A plural as its singular, roughly."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def find(needle: Sequence[str], words: Sequence[str]) -> int:
    """Where ``needle`` stands in ``words`` in one piece, or -1."""
    needle, words = tuple(needle), tuple(words)
    if not needle:
        return 0
    first, size, place = needle[0], len(needle), -1
    for _ in range(words.count(first)):
        place = words.index(first, place + 1)
        if words[place : place + size] == needle:
            return place
    return -1


def shortened(text: str, limit: int) -> str:
    """The words of a text that fit; at least the first."""
    if len(text) <= limit:
        return text
    return text[: limit + 1].rpartition(" ")[0].rstrip(" ,;:") or text.split()[0]

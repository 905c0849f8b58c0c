"""Age and sex of the person a prompt is about, read from its text by a few patterns, and nothing guessed.

* Age: ``7-year-old``, ``7 year old``, ``18-month-old``, ``aged 7 (years)``. Several ages that differ: unclear.
* Sex: the noun behind such an age (``7-year-old girl``, a word or two between allowed), or else ``a``, ``an``, ``the``
  or ``this`` before ``boy, girl, man, woman, lady, gentleman``. Both sexes: unclear.

Pronouns alone, plurals (``in women``) and relatives (``her brother``) name nobody's age or sex. So the parser finds
what a vignette says of its patient, and misses what is only implied.
"""

from __future__ import annotations

import re

from primum.audits.names import BANDS, FEMALE, MALE, UNCLEAR, UNNAMED
from primum.audits.texts import asked
from primum.tasks.base import Example

SEX_NOUNS = {
    **dict.fromkeys(("girl", "woman", "female", "lady"), FEMALE),
    **dict.fromkeys(("boy", "man", "male", "gentleman"), MALE),
}
AGE = re.compile(r"\b(\d{1,3})([- ](?:years?|yrs?)[- ]old)\b|\b(aged )(\d{1,3})\b(?! months)", re.IGNORECASE)
MONTHS = re.compile(r"\b\d{1,2}[- ]months?[- ]old\b", re.IGNORECASE)
_BEHIND = re.compile(
    rf"[- ](?:years?|yrs?|months?)[- ]old (?:[a-z-]+ ){{0,2}}?({'|'.join(SEX_NOUNS)})\b", re.IGNORECASE
)
_BEFORE = re.compile(r"\b(?:an?|the|this) (?:[a-z-]+ )?(boy|girl|man|woman|lady|gentleman)\b", re.IGNORECASE)


def text_of(example: Example) -> str:
    """All that the prompt is filled with, but for options: they name what is asked, not whom it is about."""
    kept = {key: value for key, value in example.inputs.items() if key != "options"}
    return "\n".join(asked(Example(example.id, kept, {})))


def ages(text: str) -> list[int]:
    """Every age in years that the text names; months count as none."""
    found = [int(match[1] or match[4]) for match in AGE.finditer(text)]
    return found + [0] * len(MONTHS.findall(text))


def band(age: int) -> str:
    """The age band of an age in years."""
    return BANDS[sum(age >= start for start in (5, 10, 15, 18))]


def age_band(text: str) -> str:
    """The band of the one age that the text names; else :data:`UNNAMED` or :data:`UNCLEAR`."""
    found = set(ages(text))
    return band(found.pop()) if len(found) == 1 else UNCLEAR if found else UNNAMED


def sex(text: str) -> str:
    """``female`` or ``male``, as the text names it; else :data:`UNNAMED` or :data:`UNCLEAR`."""
    nouns = _BEHIND.findall(text) or _BEFORE.findall(text)
    found = {SEX_NOUNS[noun.lower()] for noun in nouns}
    return found.pop() if len(found) == 1 else UNCLEAR if found else UNNAMED

"""Strings that look as if they named a person: the identifiers of HIPAA's Safe Harbor that patterns can find.

45 CFR 164.514(b)(2). No pattern finds every name; what is found is refused, and nothing is called de-identified for it.
"""

from __future__ import annotations

import re

# Capitals tell March from march; "12 may go home" is no date.
_NAMES = (
    r"Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:t(?:ember)?)?|"
    r"Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?"
)
_MONTH = f"(?:{_NAMES}|{_NAMES.upper()})"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_WAY = r"(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Way)"
_RECORD = r"(?:mrn|medical record|record|patient|chart|account|insurance|hospital|nhs)"
PATTERNS: dict[str, re.Pattern[str]] = {
    "telephone number": re.compile(
        r"(?<![\w.])(?:\+\d{1,3}[ .-]?)?(?:\(\d{2,4}\)[ .-]?|\d{3}[ .-])\d{3}[ .-]\d{3,4}(?![\w])"
    ),
    "e-mail address": re.compile(r"\b[\w.+-]+@[\w-]+\.\w{2,}"),
    "web address": re.compile(r"\b(?:https?://|www\.)\S+", re.I),
    "social security number": re.compile(r"\b\d{3}-\d{2}-\d{4}\b"),
    "record number": re.compile(rf"\b{_RECORD}\s*(?:no\.?|number|id|#|mrn)?\s*[:#]?\s*[A-Z]{{0,3}}\d{{5,}}\b", re.I),
    "date": re.compile(
        rf"\b(?:\d{{4}}-\d{{2}}-\d{{2}}|\d{{1,2}}[/.]\d{{1,2}}[/.]\d{{2,4}}|{_DAY} {_MONTH}|{_MONTH} {_DAY})\b"
    ),
    "name": re.compile(r"\b(?:Mr|Mrs|Ms|Miss|Mx|Master|Dr|Prof)\.? [A-Z][a-z]+\b"),
    "street address": re.compile(rf"\b\d{{1,5}} (?:[A-Z][a-z]+ ){{1,3}}{_WAY}\b"),
    "network address": re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b"),
    "age over 89": re.compile(r"\b(?:9\d|1[01]\d)[ -]years?[ -]old\b", re.I),
}
# What each of them cannot be without, at a fraction of their cost: signs and titles as they stand; figures in a text
# whose digits are all 0, so that the pattern begins with a character that is found at once.
_SIGNS = ("@", "://", "Mr", "Ms", "Miss", "Mx", "Master", "Dr", "Prof")
_ZEROS = str.maketrans("123456789", "0" * 9)
_ENDS = "Jan|ary|Feb|Mar|rch|Apr|ril|May|Jun|une|Jul|uly|Aug|ust|Sep|ept|ber|Oct|Nov|Dec"  # of months
_FIGURES = re.compile(
    rf"0(?:00[ .-]000|00-00-0000|0000|00-00-00|[/.]00?[/.]0|(?:st|nd|rd|th)? {_MONTH}|"
    rf" (?:[A-Z][a-z]+ ){{1,3}}{_WAY}\b|(?<=(?:{_ENDS}|{_ENDS.upper()}) 0))"
)
_AGE = re.compile(r"year(?:(?<=9\d[ -]year)|(?<=1[01]\d[ -]year))")


def identifier(text: str) -> str:
    """The kind of identifier that ``text`` seems to hold; empty where none is seen."""
    if text.isascii():
        plain = text.lower()
        found = _FIGURES.search(text.translate(_ZEROS)) or _AGE.search(plain)
        if not found and not any(sign in text for sign in _SIGNS) and "www." not in plain:
            return ""
    return next((name for name, pattern in PATTERNS.items() if pattern.search(text)), "")

"""The same row with another patient: the other sex, or another age; and which rows cannot be swapped safely.

Sex: nouns and pronouns of one sex become those of the other, in prompt and gold alike. Left out: rows that name both
sexes, rows with a relative beside a pronoun (whose is it?), rows whose options name a sex, and rows with a word
of the body that only one sex has.
Age: the one age that a row names becomes a fixed one of another band (:data:`OTHER_AGE`); ``a`` and ``an`` before it
follow, and of an adult who becomes a child man and woman become boy and girl. A swapped row whose gold answer its own
task judges wrong is left out too. The rules know words, not medicine: an answer that truly depends on age or sex is
found only where the task's judge finds it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from primum.audits.names import FEMALE, MALE, SWAP_AGE, SWAP_SEX, SWAPS, UNCLEAR, UNNAMED
from primum.audits.people import AGE, age_band, ages, band, sex, text_of
from primum.audits.texts import asked, strings
from primum.tasks.base import Example, Task

ROWS, RECORD = "swapped.jsonl", "swaps.json"  # in the study's folder of audits
FEWEST = 10  # rows without which a swap is not asked for
OTHER_AGE = {"under 5": 12, "5-9": 16, "10-14": 4, "15-17": 7, "adult": 12}
_PAIRS = (
    *(("girl", "boy"), ("girls", "boys"), ("woman", "man"), ("women", "men"), ("lady", "gentleman")),
    *(("female", "male"), ("females", "males"), ("she", "he"), ("herself", "himself"), ("hers", "his")),
)
_OTHER = {one: other for one, other in _PAIRS} | {other: one for one, other in _PAIRS} | {"him": "her"}
_SEXED = re.compile(rf"\b({'|'.join([*_OTHER, 'her'])})\b", re.IGNORECASE)
_FEMALE = {one for one, _ in _PAIRS} | {"her"}
# Behind 'her' as an object stands no noun; behind 'his' as a pronoun of its own neither.
_NO_NOUN = re.compile(
    r"\s*(?:[.,;:?!)]|$)|\s+(?:and|or|but|to|in|on|at|with|for|from|by|of|as|is|was|has|had|the|an?|that|when|while)\b",
    re.IGNORECASE,
)
_BODY = re.compile(
    r"\b(pregnan\w*|ovar\w*|uter(?:us|ine)|vagin\w*|vulva\w*|menstru\w*|menarche|gestation\w*|lactat\w*|obstetric\w*|"
    r"prostat\w*|testi[sc]\w*|testes|scrot\w*|peni(?:s|le)|semen|sperm\w*)\b",
    re.IGNORECASE,
)
_PRONOUN = re.compile(r"\b(he|she|him|her|his|hers|himself|herself)\b", re.IGNORECASE)
_RELATIVE = re.compile(
    r"\b(sons?|daughters?|brothers?|sisters?|mothers?|fathers?|husbands?|wi(?:fe|ves)|aunts?|uncles?|nieces?|nephews?)\b",
    re.IGNORECASE,
)
_ARTICLE, _VOWEL = re.compile(r"\b([Aa])n? (\d{1,3}[- ](?:years?|yrs?)[- ]old)\b"), re.compile(r"8|11\b|18\b")
_CHILD = {"man": "boy", "woman": "girl", "gentleman": "boy", "lady": "girl"}


def other_sex(text: str) -> str:
    """Nouns and pronouns of either sex as those of the other, capitals kept."""

    def swapped(match: re.Match[str]) -> str:
        word, behind = match[0].lower(), text[match.end() :]
        alone = bool(_NO_NOUN.match(behind))
        if word == "her":
            other = "him" if alone else "his"
        elif word == "his":
            other = "hers" if alone else "her"
        else:
            other = _OTHER[word]
        return other.capitalize() if match[0][0].isupper() else other

    return _SEXED.sub(swapped, text)


def other_age(text: str) -> str:
    """Every age in years as the fixed one of another band; of an adult the noun too."""

    def swapped(match: re.Match[str]) -> str:
        new = OTHER_AGE[band(int(match[1] or match[4]))]
        return f"{new}{match[2]}" if match[1] else f"{match[3]}{new}"

    changed = AGE.sub(swapped, text)
    if any(band(age) == "adult" for age in ages(text)):
        changed = re.sub(rf"\b({'|'.join(_CHILD)})\b", lambda match: _CHILD[match[0]], changed)
    return _ARTICLE.sub(lambda match: match[1] + ("n" if _VOWEL.match(match[2]) else "") + f" {match[2]}", changed)


def swap_text(swap: str, text: str) -> str:
    """A text as the swap has it."""
    return {SWAP_SEX: other_sex, SWAP_AGE: other_age}[swap](text)


def swap_row(task: Task, example: Example, swap: str) -> tuple[Example | None, str]:
    """The swapped row, its id the original's; or None and why not."""
    text = text_of(example)
    named = {SWAP_SEX: sex, SWAP_AGE: age_band}[swap](text)
    if named in (UNNAMED, UNCLEAR):
        return None, named
    if swap == SWAP_SEX:
        found = {FEMALE if word.lower() in _FEMALE else MALE for word in _SEXED.findall(text)}
        if found != {named}:
            return None, "both sexes named"
        if _RELATIVE.search(text) and _PRONOUN.search(text):
            return None, "a relative beside a pronoun"
        if any(_SEXED.search(option) for option in strings(example.inputs.get("options"))):
            return None, "an option names a sex"
        if _BODY.search("\n".join(asked(example))):
            return None, "a word of the body that one sex has"
    elif not AGE.search(text):
        return None, "age in months"
    changed = Example(
        example.id,
        _mapped(example.inputs, lambda part: swap_text(swap, part)),
        _mapped(example.gold, lambda part: swap_text(swap, part)),
        example.kind,
        example.group,
    )
    if {SWAP_SEX: sex, SWAP_AGE: age_band}[swap](text_of(changed)) in (named, UNNAMED, UNCLEAR):
        return None, "the swap did not take"
    outcomes = task.judge(changed, task.gold_completion(changed)).outcomes
    if not outcomes[task.metrics[0].of]:
        return None, "its gold answer is no longer right"
    return changed, ""


def swap_rows(task: Task, examples: Iterable[Example]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Every row in every swap that it stands.

    Returns:
        Lines of the split of swapped rows, ``{id}~{swap}`` with ``of`` and ``swap``; and what is on record: for every
        swap ``rows``, ``swapped``, ``left_out`` {why: rows} and ``status``, ``made`` or why it is ``untestable``. Of a
        swap with fewer than :data:`FEWEST` rows none is made.
    """
    lines: list[dict[str, Any]] = []
    record: dict[str, Any] = {}
    known = list(examples)
    for swap in SWAPS:
        made, left = [], Counter[str]()
        for example in known:
            changed, why = swap_row(task, example, swap)
            if changed is None:
                left[why] += 1
            else:
                row = changed.to_row() | {"id": f"{example.id}~{swap}", "of": example.id, "swap": swap}
                made.append(row)
        status = "made" if len(made) >= FEWEST else _untestable(swap, len(made), len(known) - left[UNNAMED])
        lines += made if status == "made" else []
        record[swap] = {"rows": len(known), "swapped": len(made), "left_out": dict(sorted(left.items()))} | {
            "status": status
        }
    return lines, record


def _untestable(swap: str, made: int, named: int) -> str:
    what = {SWAP_SEX: "sex", SWAP_AGE: "age"}[swap]
    if not named:
        return f"untestable: no prompt names {what}"
    return f"untestable: {made} of the rows that name {what} can be swapped, fewer than {FEWEST}"


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    """Every text within a JSON value changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _mapped(item, change) for key, item in value.items()}
    return [_mapped(item, change) for item in value] if isinstance(value, list) else value

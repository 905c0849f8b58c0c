"""What follows from the lines of the registries: obligations of licences, what is unsettled, what an adapter inherits.

Plain words for people who pass something on; the licence itself is what binds, and none of this is legal advice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from primum.registry import SENSITIVITIES, UNKNOWN, DatasetEntry, ModelEntry

OVERSIGHT = (
    "Clinical decision support research only: whatever it says must be reviewed by a clinician, "
    "and it must not be used on patients."
)
KEEP_OUT = "do not pass on"  # a licence that nobody knows
SETTLE = "settle first"  # anything else that nobody knows
# By the registry's name of a licence, lower case.
OBLIGATIONS = {
    "apache-2.0": "Pass on the licence text and any NOTICE, keep copyright notices, and say which files were changed.",
    "mit": "Pass on the copyright and permission notice.",
    "gemma": (
        "Pass on the Gemma Terms of Use and their Prohibited Use Policy as binding terms, say what was changed, "
        "and add the notice that Gemma is provided under and subject to these terms (ai.google.dev/gemma/terms)."
    ),
    "health-ai-developer-foundations": (
        "Pass on the Health AI Developer Foundations Terms of Use and their restrictions as binding terms, with their "
        "notice, and say what was changed (developers.google.com/health-ai-developer-foundations/terms)."
    ),
    UNKNOWN: "No licence is known: nothing may be passed on. Ask whoever published it.",
}
OTHERWISE = "Read the licence '{}' before anything is passed on: it is none that this project knows."

Entry = DatasetEntry | ModelEntry


def obligations(licence: str) -> str:
    """What a licence asks of who passes on a thing or what was made from it."""
    return OBLIGATIONS.get(licence.strip().lower(), OTHERWISE.format(licence))


def unsettled(entry: Entry) -> list[str]:
    """Keys of a line by which it admits that nobody knows."""
    keys = ("licence", "purpose", "consent", "lineage")
    return [key for key in keys if re.match(rf"{UNKNOWN}\b", getattr(entry, key).strip(), re.IGNORECASE)]


def warnings(kind: str, entry: Entry) -> list[dict[str, str]]:
    """What has to be known before a dataset or base, or what was made from it, leaves the project."""
    return [
        {"kind": kind, "id": entry.id, "key": key, "says": getattr(entry, key), "then": _then(key)}
        for key in unsettled(entry)
    ]


def strictest(classes: Iterable[str]) -> str:
    """The most sensitive of some classes: that of what was made from all of them."""
    return max(classes, key=SENSITIVITIES.index)


def inherited(dataset: DatasetEntry, base: ModelEntry, stages: Iterable[str]) -> dict[str, Any]:
    """What people are answerable for in an adapter: it has it from its data and its base.

    Args:
        dataset: the line of its data.
        base: the line of its base.
        stages: names of the stages behind it and of its own, the first one first.
    """
    return {
        "purpose": _both(dataset.purpose, base.purpose),
        "sensitivity": strictest((dataset.sensitivity, base.sensitivity)),
        "consent": _both(dataset.consent, base.consent),
        "lineage": f"{' -> '.join((base.id, *stages))}, on dataset {dataset.id}",
        "oversight": OVERSIGHT,
    }


def _both(data: str, base: str) -> str:
    return data if data == base else f"data: {data}; base: {base}"


def _then(key: str) -> str:
    return KEEP_OUT if key == "licence" else SETTLE

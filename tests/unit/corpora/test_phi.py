"""Identifiers of persons: what has to be seen, and what medicine writes that only looks like one."""

from __future__ import annotations

import random

import pytest

from primum.corpora.phi import PATTERNS, identifier
from primum.corpora.resources import load_resources
from tests.unit.corpora.conftest import ROOT

SEEN = {
    "telephone number": [
        "Call (555) 010-4477.",
        "Call 555-010-4477 at night.",
        "Tel. +44 (020) 794 6095",
        "+1 555 010 4477",
        "555 010 4477",
    ],
    "e-mail address": ["Write to a.parent+x@example.org.", "MOTHER@CLINIC.EXAMPLE.COM"],
    "web address": ["See https://example.org/x.", "on WWW.example.org"],
    "social security number": ["His number is 078-05-1120."],
    "record number": [
        "MRN 00482913",
        "MRN: 482913",
        "record number 482913",
        "Patient ID #AB12345",
        "medical record no. 99881",
        "NHS number 9434765919",
        "hospital no 123456",
    ],
    "date": [
        "seen on 2021-03-12",
        "seen on 12/03/2021",
        "seen on 3.4.21",
        "on 12 March",
        "on 12th March 2021",
        "on March 12, 2021",
        "on Sept 3rd, 2020",
        "MAY 4 2020",
        "Seen on March 12 in clinic.",  # a day of the year names a person as well without the year
    ],
    "name": ["Dr. Miller saw her.", "Mrs Jones", "Prof. Curie", "Master Tom", "Mx Lee"],
    "street address": ["at 12 Old Mill Road", "at 221 Baker Street"],
    "network address": ["from 192.168.10.200"],
    "age over 89": ["a 93-year-old", "a 101 years old woman", "an 89-year-old and a 90-year-old"],
}
CLEAN = [
    "54 Gy in 30 fractions of 1.8 Gy",
    "54.0 Gy over 6 weeks",
    "59.4 Gy against 54.0 Gy",
    "1.8/2.0 Gy per fraction",
    "doses of 1.8/2.0/2.2 Gy",
    "at 1.5-2 mg/kg",
    "NCT03416530",
    "in trial NCT01182350 (HERBY)",
    "ACNS0126 and POG-9239",
    "CNS 2007 04",
    "SIOP CNS 2007 04 and HIT-HGG 2007",
    "H3.3 K27M and H3.1 K27M",
    "p.Lys27Met in H3F3A",
    "in 2012",
    "between 1990 and 2015",
    "Wu 2012 Nat Genet 44:251",
    "Int J Radiat Oncol Biol Phys 85:315",
    "a 7-year-old boy",
    "a 12 years old girl",
    "an 89-year-old man",
    "aged 3 to 14 years",
    "median survival of 11 months (95% CI 9.4-12.6)",
    "1000 mg, 250 mg and 125 mg",
    "125 mg twice daily for 52.5 kg",
    "100 200 mg",
    "platelets of 100,000 per microlitre",
    "20 to 30 patients",
    "patient 12 of 40",
    "37 of 120 patients",
    "may 2 doses be given",
    "Only 3 of 12 may go home.",
    "The dose may 10 days later be halved.",
    "the doctor may see 3 patients",
    "BRAF V600E and ACVR1 R206H",
    "5-HT3 antagonists",
    "WHO grade 4",
    "the mitral valve",
    "Dr said so",
    "a ratio of 10:1",
    "version 1.2.3",
    "sections 1.2.3 and 4.5.6",
    "a drive of 5 km",
]


PIECES = (
    *("1", "9", "12", "89", "90", "93", "110", "555", "2021", "04477", "00482913", "21st", "3rd"),
    *(" ", " ", " ", "-", ".", "/", ", ", "(", ")", "+", "@", ":", "#", "\n"),
    *("MRN", "record", "Patient", "no.", "id", "NHS", "AB", "hospital", "Mr", "Mrs", "Dr", "Prof.", "Master", "Mill"),
    *("Old", "Road", "St", "Street", "Ave", "March", "may", "JUNE", "Sept", "years", "year", "old", "-old"),
    *("https://", "www.", "x", "example", ".org", "Gy", "\u00e9"),
)


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in SEEN.items() for text in texts])
def test_each_kind_is_seen(kind: str, text: str) -> None:
    assert PATTERNS[kind].search(text) and identifier(text)


def test_every_kind_has_its_cases_and_is_named_by_them() -> None:
    assert set(SEEN) == set(PATTERNS)
    for kind, texts in SEEN.items():
        assert identifier(texts[0]) == kind


@pytest.mark.parametrize("text", CLEAN)
def test_what_medicine_writes_is_no_identifier(text: str) -> None:
    assert identifier(text) == "" == next((name for name, found in PATTERNS.items() if found.search(text)), "")


def test_no_resource_is_mistaken_for_an_identifier() -> None:
    """What every brief may hold must not cost its reply."""
    shipped = load_resources(ROOT / "resources" / "dipg")
    facts = (*shipped.concepts, *shipped.derived, *shipped.rules)
    texts = [text for fact in facts for text in (*fact.statements, *fact.questions, fact.value, *fact.wrong)]
    texts += [text for trap in shipped.traps for text in (*trap.questions, trap.near)]
    texts += [*shipped.axioms, *(str(part) for found in shipped.phrases.values() for part in found)]
    assert len(texts) > 1500
    assert [(found, text) for text in texts if (found := identifier(text))] == []


def test_the_first_of_several_is_named() -> None:
    assert identifier("Write to a@example.org or call 555-010-4477.") == "telephone number"
    assert identifier("") == "" and identifier("no one is named") == ""


def test_the_quick_look_misses_nothing_that_a_pattern_sees() -> None:
    """``identifier`` may pass texts over without trying each pattern: only such as none of them fits."""
    rng = random.Random(0)
    seen = 0
    for _ in range(40_000):
        text = "".join(rng.choice(PIECES) for _ in range(rng.randint(3, 9)))
        expected = next((name for name, pattern in PATTERNS.items() if pattern.search(text)), "")
        assert identifier(text) == expected, text
        seen += bool(expected)
    assert 1_000 < seen < 39_000

# ruff: noqa: RUF001  (signs and quotation marks are meant as they are: they are printed)
"""Numbers: their texts, their lookup, and sentences that take them from nowhere else."""

import pytest

from primum.errors import UserError
from primum.files import sha256_file, write_json, write_text
from primum.reports.numbers import Cite, Name, Numbers, p_value, paragraph, percent, plain, points, text_of

ENTRIES = {
    "s/a/value": {"value": 0.34, "text": "34.0"},
    "s/a/low": {"value": 0.278, "text": "27.8"},
    "s/a/high": {"value": 0.408, "text": "40.8"},
    "s/empty": {"value": None, "text": "–"},
}


@pytest.mark.parametrize(
    ("form", "value", "expected"),
    [
        (percent, 0.275, "27.5"),
        (points, -0.065, "−6.5"),
        (points, 0.065, "+6.5"),
        (p_value, 0.0004, "<\u202f0.001"),
        (p_value, 0.19342, "0.193"),
        (plain, 1500, "1,500"),
        (plain, 2e-4, "2 × 10⁻⁴"),
        (plain, 1.2e-3, "0.0012"),
        (plain, 0.0, "0"),
        (plain, True, "yes"),
        (plain, ["q_proj", "v_proj"], "q_proj, v_proj"),
    ],
)
def test_text_of_a_value(form, value, expected):
    assert form(value) == expected


def test_a_number_that_was_not_collected_is_refused():
    with pytest.raises(UserError, match="'s/b' was collected"):
        Numbers(ENTRIES).say("It is {b}.", b="s/b")


def test_a_number_cannot_be_typed_into_a_sentence():
    with pytest.raises(ValueError, match="typed"):
        Numbers(ENTRIES).say("Accuracy is 99%.")


def test_a_sentence_keeps_where_its_numbers_are_from():
    spans = Numbers(ENTRIES).say("{stage}: {a}% {ref}", stage=Name("Qwen3"), a="s/a/value", ref=Cite("holm1979"))
    assert text_of(spans) == "Qwen3: 34.0% "
    assert {"text": "34.0", "key": "s/a/value"} in spans
    assert spans[-1]["cite"] == "holm1979"


def test_rates_and_gaps():
    numbers = Numbers(ENTRIES)
    assert text_of(numbers.rate("s/a/")) == "34.0 [27.8, 40.8]"
    assert text_of(numbers.rate("s/none/")) == "–"
    assert text_of(numbers.optional("s/empty")) == "–"
    assert not numbers.has("s/empty")


def test_a_paragraph_begins_its_sentences_with_capitals():
    assert text_of(paragraph([[{"text": "the base wins."}], [{"text": "SFT wins."}]])) == "The base wins. SFT wins. "


def test_numbers_of_an_older_file_are_refused(tmp_path):
    source = tmp_path / "results" / "a.json"
    write_text(source, '{"a": 1}')
    entry = {"value": 1, "text": "1", "file": "results/a.json", "sha256": sha256_file(source), "pointer": "/a"}
    write_json(tmp_path / "numbers.json", {"k": entry})
    assert Numbers.load(tmp_path / "numbers.json", tmp_path).value("k") == 1
    write_json(tmp_path / "numbers.json", {"k": entry | {"value": 3, "text": "3"}})
    with pytest.raises(UserError, match=r"has 'k' otherwise than results/a\.json has it at /a"):
        Numbers.load(tmp_path / "numbers.json", tmp_path)
    write_text(source, '{"a": 2}')
    with pytest.raises(UserError, match=r"older results/a\.json"):
        Numbers.load(tmp_path / "numbers.json", tmp_path)

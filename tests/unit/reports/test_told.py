"""A card that states a number which no result file holds is not written."""

from __future__ import annotations

from pathlib import Path

import pytest

from primum.errors import UserError
from primum.reports import told as module
from primum.reports.numbers import Name, Numbers
from primum.reports.told import Told, fill, listed, told

ENTRIES = {"s/a": {"value": 0.34, "text": "34.0", "file": "f.json", "sha256": "0" * 64, "pointer": "/a"}}


@pytest.fixture
def template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "TEMPLATES", tmp_path)

    def write(text: str, **fields: object) -> str:
        (tmp_path / "card.md.j2").write_text(text)
        return fill("card.md.j2", fields, "card of 'x'")

    return write


def test_numbers_and_names_that_were_looked_up_pass(template) -> None:
    said = told(Numbers(ENTRIES).say("{model} has {a}%", model=Name("Qwen3"), a="s/a"))
    text = template("# Card\n\n{{ said }} and {{ more }}.\n\n\n\n```python\nx[0, 1]\n```\nsha256", said=said, more=said)
    assert text == "# Card\n\nQwen3 has 34.0% and Qwen3 has 34.0%.\n\n```python\nx[0, 1]\n```\nsha256\n"
    assert template("{{ both }}", both=listed([Told("a1"), Told("b2")], ", ")) == "a1, b2\n"


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("Safe: 88%.", {}),
        ("Safe: {{ rate }}%.", {"rate": 88}),
        ("Safe: {{ rate }}%.", {"rate": "88"}),
        ("Safe: {{ 88 }}%.", {}),
        ("Safe: {{ rate ~ '' }}%.", {"rate": Told("88")}),  # put together with other text: nobody knows any more
        ("```\nx\n``` 88", {}),
    ],
)
def test_a_foreign_number_stops_the_card_and_its_line_is_named(template, text, fields) -> None:
    with pytest.raises(UserError, match=r"card of 'x' states a number that no result file holds: '.*88"):
        template(text, **fields)

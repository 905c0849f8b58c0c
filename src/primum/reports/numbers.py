# ruff: noqa: RUF001  (signs and quotation marks are meant as they are: they are printed)
"""Every published number with its text and source, and sentences that can take numbers from nowhere else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from primum.errors import UserError
from primum.files import read_json
from primum.reports.sources import Source

DASH = "–"
MINUS = "−"
_FIELD = re.compile(r"\{(\w+)\}")
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def percent(value: float) -> str:
    """A share in per cent, without the sign: ``34.0``."""
    return f"{100 * value:.1f}".replace("-", MINUS)


def points(value: float) -> str:
    """A difference of shares in percentage points, with its sign: ``+6.5``."""
    return f"{100 * value:+.1f}".replace("-", MINUS)


def reward(value: float) -> str:
    """A reward, in its table's own units: ``25.30``."""
    return f"{value:.2f}".replace("-", MINUS)


def signed(value: float) -> str:
    """A difference of rewards, with its sign: ``+2.48``."""
    return f"{value:+.2f}".replace("-", MINUS)


def p_value(value: float) -> str:
    """``0.012`` or ``< 0.001`` (with narrow spaces)."""
    return "<\u202f0.001" if value < 0.001 else f"{value:.3f}"


def decimals(value: float) -> str:
    """Three decimals."""
    return f"{value:.3f}".replace("-", MINUS)


def plain(value: Any) -> str:
    """Counts with thousands, small reals as powers of ten, everything else as it is."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        mantissa, _, exponent = f"{value:.6g}".partition("e")
        if not exponent and 0 < abs(value) < 0.001:
            mantissa, _, exponent = f"{value:e}".partition("e")
            mantissa = f"{float(mantissa):g}"
        power = f" × 10{str(int(exponent)).translate(_SUPERSCRIPT)}" if exponent else ""
        return f"{mantissa}{power}".replace("-", MINUS)
    return ", ".join(map(plain, value)) if isinstance(value, list) else str(value)


def short(value: str) -> str:
    """The first twelve digits of a hash."""
    return value[:12]


Format = Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class Name:
    """Text that is a name (of a model, a stage, a file) and may hold digits."""

    text: str


@dataclass(frozen=True, slots=True)
class Cite:
    """A reference by its key in ``templates/references.yaml``."""

    key: str


Span = dict[str, str]  # {"text"} and, where it is a number, {"key"}; or {"cite"}
Rich = list[Span]


class Numbers:
    """Looks numbers up by key.

    Args:
        entries: ``{key: {"value", "text", "file", "sha256", "pointer"}}``.
    """

    def __init__(self, entries: Mapping[str, Mapping[str, Any]]) -> None:
        self.entries = entries

    @classmethod
    def load(cls, path: Path, root: Path) -> Numbers:
        """Read ``numbers.json``, and refuse it if a file it quotes has changed since, or has another number there.

        Args:
            path: ``numbers.json``.
            root: the project's folder.
        """
        entries, again = read_json(path), "Run collect_numbers again; snakemake does."
        quoted: dict[str, Source] = {}
        for key, entry in entries.items():
            if (file := entry["file"]) not in quoted:
                quoted[file] = Source(root / file, root)
            source = quoted[file]
            if source.sha256 != entry["sha256"]:
                raise UserError(f"{path} quotes an older {file}.", again)
            where = entry["pointer"]  # what was made of several numbers says how, in brackets
            if where.startswith("/") and "(" not in where and source.at(where) != entry["value"]:
                raise UserError(f"{path} has '{key}' otherwise than {file} has it at {where}.", again)
        return cls(entries)

    def _entry(self, key: str) -> Mapping[str, Any]:
        if key not in self.entries:
            raise UserError(f"No number '{key}' was collected.", "Let collect_numbers read it from a result file.")
        return self.entries[key]

    def has(self, key: str) -> bool:
        """Whether the number was collected and is not empty."""
        return key in self.entries and self.entries[key]["value"] is not None

    def value(self, key: str) -> Any:
        """The number itself; :class:`UserError` if it was not collected."""
        return self._entry(key)["value"]

    def span(self, key: str) -> Span:
        """The number as text that knows where it is from."""
        return {"text": self._entry(key)["text"], "key": key}

    def under(self, prefix: str) -> dict[str, Any]:
        """Values of all keys below ``prefix``, by the rest of the key, in the collected order."""
        return {key.removeprefix(prefix): e["value"] for key, e in self.entries.items() if key.startswith(prefix)}

    def say(self, template: str, **fields: str | Name | Cite | Rich) -> Rich:
        """A sentence. ``{field}`` stands for a number (its key), a :class:`Name`, a :class:`Cite` or made text.

        Raises:
            ValueError: if the template itself holds a digit: a number must come from a file.
        """
        spans: Rich = []
        for place, part in enumerate(_FIELD.split(template)):
            if place % 2 == 0:
                if any(letter.isdigit() for letter in part):
                    raise ValueError(f"a number typed into a sentence: {part!r}")
                spans += [{"text": part}] if part else []
                continue
            value = fields[part]
            if isinstance(value, Name):
                spans.append({"text": value.text})
            elif isinstance(value, Cite):
                spans.append({"text": "", "cite": value.key})
            elif isinstance(value, str):
                spans.append(self.span(value))
            else:
                spans += value
        return spans

    def rate(self, prefix: str) -> Rich:
        """``34.0 [27.8, 40.8]`` of the rate below ``prefix``; a dash where there is none."""
        if not self.has(f"{prefix}value"):
            return [{"text": DASH}]
        if not self.has(f"{prefix}low"):
            return [self.span(f"{prefix}value")]
        return self.interval(f"{prefix}value", prefix)

    def interval(self, key: str, prefix: str) -> Rich:
        """``{key} [low, high]`` with the limits below ``prefix``."""
        return self.say("{value} [{low}, {high}]", value=key, low=f"{prefix}low", high=f"{prefix}high")

    def optional(self, key: str) -> Rich:
        """The number, or a dash where it is empty or was not collected."""
        return [self.span(key)] if self.has(key) else [{"text": DASH}]


def capital(rich: Rich) -> Rich:
    """The sentence with its first letter raised."""
    first = rich[0]["text"]
    return [rich[0] | {"text": first[:1].upper() + first[1:]}, *rich[1:]]


def paragraph(sentences: Iterable[Rich]) -> Rich:
    """Sentences, one after another."""
    return [span for sentence in sentences for span in (*capital(sentence), {"text": " "})]


def text_of(rich: Rich) -> str:
    """The words alone; references are left out."""
    return "".join(span["text"] for span in rich)

"""The table: what the two backends' steps came to, against the reference and against each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from primum.errors import UserError
from primum.files import read_json
from primum.parity.reference import EPSILONS

COLUMNS = ("study", "quantity", "trl", "tunix", "reference", "difference", "tolerance", "ok")
TOLERANCE = 1e-4  # of losses and gradients, relative
FLOOR = 0.01  # losses smaller than this are held to TOLERANCE * FLOOR: GRPO's is a sum of ones that cancel
COSINE = 1e-4  # 1 - cosine of two gradients
KNOWN = "known"  # in place of a yes: a difference between TRL and Tunix that is stated, not mended
BACKENDS = ("trl", "tunix")

Tensors = Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class Found:
    """What ``scripts/probe_backend.py`` wrote for one side.

    Attributes:
        facts: content of ``{side}.json``.
        gradients: ``{label: {tensor: gradient}}``; labels are methods or, for the reference, 'grpo@trl' and so on.
    """

    facts: dict[str, Any]
    gradients: Mapping[str, Tensors]


def read_side(folder: Path, side: str) -> Found:
    """Read ``{side}.json`` and ``{side}.npz``."""
    gradients: dict[str, dict[str, np.ndarray]] = {}
    with np.load(folder / f"{side}.npz") as stored:
        for key in stored.files:
            label, _, tensor = key.partition("/")
            gradients.setdefault(label, {})[tensor] = stored[key].astype(np.float64)
    return Found(read_json(folder / f"{side}.json"), gradients)


def compare(trl: Found, tunix: Found, plain: Found) -> list[dict[str, Any]]:
    """Rows of the table for one study."""
    study, sides = plain.facts["study"], {"trl": trl, "tunix": tunix, "plain": plain}
    reasons = [found.facts["unsupported"] for found in sides.values() if found.facts["unsupported"]]
    if reasons:  # said, and no failure: a study may well be trained by one backend alone
        return [_row(study, f"not compared: {reasons[0]}", ok=KNOWN)]
    rows = []
    for method in ("sft", "grpo"):
        if method not in plain.facts:
            continue
        mine = {name: found.facts[method] for name, found in sides.items()}
        for key in ("tokens", "verdicts"):
            if key in mine["plain"]:
                values = [mine[name][key][:12] for name in (*BACKENDS, "plain")]
                rows.append(_row(study, f"{method}: {key}, sha256", *values, int(len(set(values)) > 1), 0))
        rows.append(_losses(study, method, mine))
        gradients = {name: sides[name].gradients[method] for name in BACKENDS}
        own = {name: plain.gradients[method if method == "sft" else f"grpo@{name}"] for name in BACKENDS}
        rows += _gradients(study, method, gradients, own)
    return rows


def check(rows: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a table in which something differs that should not.

    Raises:
        UserError: naming the first row.
    """
    wrong = [row for row in rows if row["ok"] == "no"]
    if wrong:
        first = wrong[0]
        raise UserError(
            f"Study '{first['study']}': the backends differ in {len(wrong)} of {len(rows)} rows, first "
            f"'{first['quantity']}' (off by {first['difference']}, allowed {first['tolerance']}).",
            "The job's log holds the table: a backend, its pins or the reference has changed.",
        )


def relative(one: Tensors, other: Tensors) -> float:
    """Norm of the difference over the norm of ``other``, all tensors as one vector."""
    return float(np.linalg.norm(_flat(one) - _flat(other)) / np.linalg.norm(_flat(other)))


def _most(values: Iterable[float]) -> float:
    """The largest; unlike ``max``, what is no number wins."""
    return float(np.max(list(values)))


def _flat(tensors: Tensors) -> np.ndarray:
    return np.concatenate([tensors[name].ravel() for name in sorted(tensors)])


def _losses(study: str, method: str, mine: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The loss; of GRPO's references the one with each backend's own epsilon is held against it."""
    loss = {name: mine[name]["loss"][method] for name in BACKENDS}
    own = {name: mine["plain"]["loss"][method if method == "sft" else f"grpo@{name}"] for name in BACKENDS}
    off = _most(abs(loss[name] - own[name]) / max(abs(own[name]), FLOOR) for name in BACKENDS)
    return _row(study, f"{method}: loss", loss["trl"], loss["tunix"], own["trl"], off, TOLERANCE)


def _gradients(
    study: str, method: str, found: Mapping[str, Tensors], own: Mapping[str, Tensors]
) -> list[dict[str, Any]]:
    """All tensors as one vector; the tensor that is furthest off; the backends against each other."""
    for name in BACKENDS:
        if sorted(found[name]) != sorted(own[name]):
            odd = min(set(found[name]) ^ set(own[name]))
            return [_row(study, f"{method}: tensors ({odd} is not everywhere)", ok="no")]
    norms = [float(np.linalg.norm(_flat(tensors))) for tensors in (found["trl"], found["tunix"], own["trl"])]
    off = _most(relative(found[name], own[name]) for name in BACKENDS)
    rows = [_row(study, f"{method}: gradient, norm and relative difference", *norms, off, TOLERANCE)]
    each = {
        tensor: tuple(relative({"": found[name][tensor]}, {"": own[name][tensor]}) for name in BACKENDS)
        for tensor in own["trl"]
    }
    worst = max(each, key=lambda tensor: _most(each[tensor]))
    norms = [float(np.linalg.norm(tensors[worst])) for tensors in (found["trl"], found["tunix"], own["trl"])]
    rows.append(
        _row(
            study,
            f"{method}: gradient, worst of {len(each)} tensors",
            *norms,
            _most(off for pair in each.values() for off in pair),
            TOLERANCE,
        )
    )
    known = relative(own["trl"], own["tunix"])
    between = relative(found["trl"], found["tunix"])
    quantity = f"{method}: gradient, trl against tunix"
    if known:
        quantity += " (beyond the known difference)"
        rows.append(
            _row(
                study, f"{method}: known difference, epsilon of the advantages", *EPSILONS.values(), "", known, ok=KNOWN
            )
        )
    rows.append(_row(study, quantity, "", "", "", _most((0.0, between - known)), TOLERANCE))
    turned = _most(_turned(found["trl"][tensor], found["tunix"][tensor]) for tensor in own["trl"])
    rows.append(_row(study, f"{method}: gradient, 1 - least cosine of a tensor", "", "", "", turned, COSINE))
    return rows


def _turned(one: np.ndarray, other: np.ndarray) -> float:
    """1 - cosine of the angle between two tensors; rounding may not make it negative."""
    cosine = float((one * other).sum() / (np.linalg.norm(one) * np.linalg.norm(other)))
    return _most((0.0, 1 - cosine))


def _row(
    study: str,
    quantity: str,
    trl: Any = "",
    tunix: Any = "",
    reference: Any = "",
    difference: Any = "",
    tolerance: Any = "",
    ok: str = "",
) -> dict[str, Any]:
    if not ok:
        ok = "yes" if difference <= tolerance else "no"  # a difference that is no number is no yes
    values = [_short(value, 5) for value in (trl, tunix, reference)]
    return dict(zip(COLUMNS, (study, quantity, *values, _short(difference, 1), _short(tolerance, 1), ok), strict=True))


def _short(value: Any, digits: int) -> Any:
    """Numbers with few digits: the last ones are rounding, and differ between processors."""
    return f"{value:.{digits}g}" if isinstance(value, float) else value

"""What a mean reward is made of: every outcome's contribution, stage by stage, under the fixed table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from primum.reports.plotting import INK, MUTED, WIDTH
from primum.reports.sources import StudyReport
from primum.reports.stage_figures import run_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEAST = 0.02  # of the longest bar: outcomes that nowhere contribute as much stand together
LETTERED = 0.035  # of the axis: the narrowest piece that holds its letter
ROW, KEY = 0.24, 0.12  # inches: of a stage, of a line of the key
# Light to dark, so that neighbours differ in grey; fines warm and hatched, pay cool and plain. Letters tell the rest.
PAY = ("#d6e6f2", "#6fa3cc", "#b3d0e6", "#3f7fb3", "#e9f1f8", "#8fb9da")
FINES = ("#fbe3d0", "#e8945a", "#f5c6a0", "#cf6a2a", "#fdf1e7", "#efae7f")
Row = dict[str, Any]


def reward_parts(figure: Figure, study: StudyReport, results: dict[str, Any], logs: Any) -> None:
    """Contributions to the mean reward on the headline split: fines left, pay right, the sum with its interval.

    Args:
        figure: empty.
        study: whose.
        results: the content of ``eval_results.json``.
        logs: not used.
    """
    runs, found, totals = study.runs(), _found(study, results), _totals(study, results)
    pay, fines = _outcomes(found, 1), _outcomes(found, -1)
    letters = {name: chr(ord("a") + at) for at, name in enumerate([*pay, *fines])}
    axes, key = figure.subplots(2, 1, height_ratios=_heights(study, results))
    reach = max(1e-9, *(_side(found[run], sign) for run in runs for sign in (1, -1)))
    for y, run in enumerate(runs):
        for names, sign, fills in ((pay, 1, PAY), (fines, -1, FINES)):
            at = 0.0
            for place, name in enumerate(names):
                part = _part(found[run], name, names, sign)
                if not part:
                    continue
                axes.barh(y - 0.13, part, left=at, height=0.54, **_fill(fills, place, sign))
                if abs(part) > LETTERED * 2 * reach:
                    _letter(axes, at + part / 2, y - 0.13, letters[name])
                at += part
        _total(axes, y, totals[run])
        axes.annotate(
            f"{totals[run]['mean']:.2f}".replace("-", "−"),  # noqa: RUF001
            (1.02, y),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=6.3,
            annotation_clip=False,
        )
    axes.axvline(0, color=INK, linewidth=0.6)
    axes.set(ylim=(len(runs) - 0.45, -0.55), yticks=range(len(runs)))
    axes.set_yticklabels([run_name(study, *run) for run in runs])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(f"contribution to the mean reward under ‘{results['fixed_table']}’, {study.splits[0]}")  # noqa: RUF001
    axes.grid(axis="x", color="#c9c9c9", linewidth=0.4, alpha=0.7)
    axes.set_axisbelow(True)
    _key(key, pay, fines, letters)


def parts_size(study: StudyReport, results: dict[str, Any]) -> tuple[float, float]:
    """Width and height of :func:`reward_parts`."""
    return WIDTH, sum(_heights(study, results))


def _heights(study: StudyReport, results: dict[str, Any]) -> list[float]:
    found = _found(study, results)
    lines = max(len(_outcomes(found, 1)), len(_outcomes(found, -1)))
    return [0.45 + ROW * len(study.runs()), 0.1 + KEY * (lines + 1)]


def _found(study: StudyReport, results: dict[str, Any]) -> dict[tuple[str, int], dict[str, Row]]:
    found: dict[tuple[str, int], dict[str, Row]] = {run: {} for run in study.runs()}
    for row in results["outcomes"]:
        if row["split"] == study.splits[0]:
            found[row["stage"], row["seed"]][row["outcome"]] = row
    return found


def _totals(study: StudyReport, results: dict[str, Any]) -> dict[tuple[str, int], Row]:
    return {
        (row["stage"], row["seed"]): row
        for row in results["rewards"]
        if row["split"] == study.splits[0] and row["table"] == results["fixed_table"] and row["part"] != "policy"
    }


def _outcomes(found: Mapping[Any, Mapping[str, Row]], sign: int) -> list[str]:
    """Outcomes that pay or that are fined, the largest contribution first; those that never matter as ``other``."""
    most: dict[str, float] = {}
    for rows in found.values():
        for name, row in rows.items():
            if row["weight"] * sign > 0:
                most[name] = max(most.get(name, 0.0), abs(row["contribution"] or 0.0))
    limit = LEAST * max((_side(rows, side) for rows in found.values() for side in (1, -1)), default=0.0)
    shown = sorted((name for name in most if most[name] > limit), key=lambda name: (-most[name], name))
    rest = [name for name in most if 0 < most[name] <= limit]
    return [*shown, *rest] if len(rest) == 1 else [*shown, *(["other"] if rest else [])]


def _side(rows: Mapping[str, Row], sign: int) -> float:
    """Length of one side of a bar."""
    return sum(abs(row["contribution"] or 0.0) for row in rows.values() if row["weight"] * sign > 0)


def _part(rows: Mapping[str, Row], name: str, names: Sequence[str], sign: int) -> float:
    if name in rows:
        return float(rows[name]["contribution"] or 0.0)
    return sum(r["contribution"] or 0.0 for n, r in rows.items() if n not in names and r["weight"] * sign > 0)


def _fill(fills: Sequence[str], place: int, sign: int) -> dict[str, Any]:
    look = {"facecolor": fills[place % len(fills)], "edgecolor": MUTED, "linewidth": 0.4}
    return look | ({"hatch": "////"} if sign < 0 and place % 2 else {})


def _letter(axes: Axes, x: float, y: float, letter: str) -> None:
    """On a pale ground, so that no hatch crosses it."""
    ground = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "boxstyle": "square,pad=0.12"}
    axes.text(x, y, letter, ha="center", va="center_baseline", fontsize=5.6, color=INK, bbox=ground)


def _total(axes: Axes, y: int, total: Row) -> None:
    """Below the bar, so that it hides no piece."""
    low = y + 0.3
    axes.plot([total["low"], total["high"]], [low, low], color=INK, linewidth=1.1, zorder=4, clip_on=False)
    axes.plot(total["mean"], low, marker="D", color=INK, markersize=3.2, zorder=5, clip_on=False)


def _key(axes: Axes, pay: Sequence[str], fines: Sequence[str], letters: Mapping[str, str]) -> None:
    """Two columns: what is fined, what is paid."""
    lines = max(len(pay), len(fines)) + 1
    axes.set(xlim=(0, 1), ylim=(lines - 0.4, -0.6))
    axes.set_axis_off()
    sides = (("fined", fines, -1, FINES), ("paid", pay, 1, PAY))
    for place, (words, names, sign, fills) in enumerate(side for side in sides if side[1]):
        x = place / 2
        axes.text(x, 0, words, fontsize=6.3, fontweight="bold", va="center")
        for y, name in enumerate(names, start=1):
            axes.barh(y, 0.045, left=x, height=0.72, **_fill(fills, y - 1, sign))
            text = f"{letters[name]}  {name.replace('_', ' ')}"
            axes.text(x + 0.06, y, text, fontsize=6, va="center", color=INK)

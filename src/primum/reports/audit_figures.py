"""Figures of the audits: what moved with the reward, stage by stage, and risk by coverage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from primum.audits.names import EVERY, MARGIN, STATED
from primum.reports.plotting import INK, MUTED, WIDE, WIDTH, look, thin_grid
from primum.reports.sources import StudyReport
from primum.reports.stage_figures import DOT, run_name, rungs
from primum.stages import BASE_STAGE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN = ("tokens", "copied", "abstained", "exploit", "same_text", "repeated")  # the first four that a study has
PANELS = 4
ORDERS = {STATED: ("#0072b2", "-", 1.3), MARGIN: ("#d55e00", (0, (4.5, 1.6)), 1.1)}


def hacking(figure: Figure, study: StudyReport, results: dict[str, Any], logs: Any) -> None:
    """A panel a signal, stages down in each with bootstrap intervals; a stage that is flagged has a filled marker."""
    audits, split, runs = results, study.splits[0], study.runs()
    labels = audits["labels"]
    rows = {(r["signal"], r["stage"], r["seed"]): r for r in audits["signals"] if r["split"] == split}
    flags = {(r["stage"], r["seed"]): r["flag"] for r in audits["hacking"] if r["split"] == split}
    names = [name for name in SHOWN if (name, *runs[0]) in rows][:PANELS]
    series, places = rungs(study)
    if not study.tree().arms():
        series = {stage: look(place) for place, stage in enumerate(study.names())}
    grid = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
    for name, axes in zip(names, grid, strict=True):
        scale = 1 if name == "tokens" else 100
        for y, run in zip(places, runs, strict=True):
            row, style = rows[name, *run], series[run[0]]
            limits = [scale * row["low"], scale * row["high"]]
            axes.plot(limits, [y, y], color=style.colour, linewidth=1.1, solid_capstyle="butt")
            filled = {"markerfacecolor": style.colour if flags.get(run) == "yes" else "white"}
            dot = DOT | {"markersize": 3.8, "markeredgecolor": style.colour, "markeredgewidth": 0.9} | filled
            axes.plot(scale * row["mean"], y, marker=style.marker, linestyle="", **dot)
        axes.set_title(labels[name] if name == "tokens" else f"{labels[name]}, %", fontsize=6)
        axes.set(ylim=(places[-1] + 0.6, -0.6), yticks=places)
        axes.set_xlim((0, 100) if scale == 100 else (0, None))
        axes.set_yticklabels([run_name(study, *run) for run in runs])
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        thin_grid(axes, "both")
    figure.supxlabel(f"items of {split}, with 95% intervals; filled: flagged", fontsize=6.5, color=INK)


def hacking_size(study: StudyReport, results: dict[str, Any]) -> tuple[float, float]:
    """Width and height of :func:`hacking`."""
    return WIDE, 0.65 + 0.125 * len(study.runs())


def risk_coverage(figure: Figure, study: StudyReport, results: dict[str, Any], logs: Any) -> None:
    """Curves by confidence, a panel a stage; or a point a stage where a model may abstain."""
    if study.confidence:
        _curves(figure, study, results)
    else:
        _points(figure.subplots(), study, results)


def risk_size(study: StudyReport, results: dict[str, Any]) -> tuple[float, float]:
    """Width and height of :func:`risk_coverage`."""
    return (min(WIDE, 0.5 + 2.1 * len(study.names())), 2.2) if study.confidence else (WIDTH, 2.5)


def _curves(figure: Figure, study: StudyReport, audits: dict[str, Any]) -> None:
    split = study.splits[0]
    grid = figure.subplots(1, len(study.names()), sharey=True, squeeze=False)[0]
    for stage, axes in zip(study.names(), grid, strict=True):
        run, words = (stage, study.seeds_of(stage)[0]), []
        for by, (colour, line, width) in ORDERS.items():
            wanted = (*run, split, by)
            row = next((r for r in audits["risk"] if _of(r) == wanted), None)
            if not row or not row["n"]:
                continue
            points = next(r for r in audits["curves"] if _of(r) == wanted)["points"]
            xs, ys = ([100 * point[side] for point in points] for side in (0, 1))
            axes.plot(xs, ys, color=colour, linestyle=line, linewidth=width, label=by)
            axes.axhline(100 * row["random"], color=colour, linewidth=0.6, linestyle=(0, (1, 2)))
            share = 100 * row["right"] / row["n"]  # in the best order nothing is wrong up to here
            best = [max(0.0, 100 * (x - share) / x) for x in xs]
            axes.plot(xs, best, color=MUTED, linewidth=0.6)
            words.append(f"{by}: area {row['aurc']:.3f}, random {row['random']:.3f}")
        axes.text(0.03, 0.98, "\n".join(words), transform=axes.transAxes, va="top", fontsize=5.4, color=INK)
        axes.set(title=run_name(study, *run), xlabel="% answered, the surest first", xlim=(0, 100), ylim=(0, 100))
        thin_grid(axes, "both")
    grid[0].set_ylabel("% of them wrong")
    named = {label: handle for axes in grid for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    if named:
        figure.legend(named.values(), named.keys(), loc="outside lower center", ncols=2, frameon=False, fontsize=6)


def _of(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["stage"], row["seed"], row["split"], row["by"]


def _points(axes: Axes, study: StudyReport, audits: dict[str, Any]) -> None:
    """The base, what arms share and their ends: coverage and selective risk with their intervals."""
    split, tree = study.splits[0], study.tree()
    inside, ends = {name for arm in tree.arms() for name in arm}, set(tree.ends())
    stages = [s for s in study.names() if s == BASE_STAGE or s not in inside or s in ends]
    for place, stage in enumerate(stages):
        wanted = (stage, study.seeds_of(stage)[0], split, EVERY)
        row = next(r for r in audits["abstention"] if (r["stage"], r["seed"], r["split"], r["rows"]) == wanted)
        style = look(place)
        if row["risk_value"] is None:
            axes.plot([], [], marker=style.marker, color=style.colour, linestyle="", label=f"{stage}: answers nothing")
            continue
        x, y = 100 * row["coverage_value"], 100 * row["risk_value"]
        for xs, ys in (
            ([100 * row["coverage_low"], 100 * row["coverage_high"]], [y, y]),
            ([x, x], [100 * row["risk_low"], 100 * row["risk_high"]]),
        ):
            axes.plot(xs, ys, color=style.colour, linewidth=0.9, linestyle="-", solid_capstyle="butt")
        axes.plot(x, y, marker=style.marker, color=style.colour, linestyle="", label=stage, **DOT)
    axes.set(xlabel="% of items answered", ylabel="% of the answers not right", xlim=(0, 100), ylim=(0, 100))
    axes.axvline(0, color=MUTED, linewidth=0.6)
    thin_grid(axes, "both")
    axes.legend(loc="lower right", fontsize=6, frameon=False)


AUDIT_FIGURES = {"hacking": (hacking, hacking_size), "risk_coverage": (risk_coverage, risk_size)}

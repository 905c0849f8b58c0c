"""Figures of metrics: every rate of every stage, and the arms of a training tree beside each other."""

from __future__ import annotations

from math import ceil, floor
from typing import TYPE_CHECKING, Any

from primum.reports.plotting import INK, MUTED, WIDE, WIDTH, Look, end_labels, look, thin_grid
from primum.reports.sources import MANY, StudyReport
from primum.stages import BASE_STAGE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DOT: dict[str, Any] = {
    "markeredgecolor": "white",
    "markeredgewidth": 0.5,
    "markersize": 5,
    "clip_on": False,
    "zorder": 3,
}
ACROSS = 4  # panels side by side
RULES = (("solid", "-"), ("dashed", (0, (5, 3))), ("dotted", (0, (1, 2))))  # of baselines: how said, how drawn
LESS = "↓\u00a0"  # before the name of a metric of which less is better
DODGE = 0.012  # of the axis: by how much arms stand apart that end at the same step


def metric_by_stage(figure: Figure, study: StudyReport, results: dict[str, Any], logs: Any) -> None:
    """Every rate of every stage on the headline split, with its interval; baselines as thin rules."""
    if len(study.runs()) > MANY:
        _panels(figure, study, results)
    else:
        _down(figure, study, results)


def metric_size(study: StudyReport, results: dict[str, Any]) -> tuple[float, float]:
    """Width and height of :func:`metric_by_stage`."""
    metrics, runs = len(_rates(study, results)), len(study.runs())
    if runs <= MANY:
        return WIDTH, 0.9 + metrics * (0.12 + 0.1 * runs)
    return WIDE, 0.4 + -(-metrics // ACROSS) * (0.45 + 0.115 * runs)


def _down(figure: Figure, study: StudyReport, results: dict[str, Any]) -> None:
    """Metrics down one column, stages within each, values beside them."""
    split, axes = study.splits[0], figure.subplots()
    rows = [row for row in results["metrics"] if row["split"] == split and row["value"] is not None]
    names, runs = _rates(study, results), study.runs()
    items = next(e["n"] for e in results["evaluations"] if e["split"] == split)
    step = 1.0 / (len(runs) + 1.2)
    for row in rows:
        run = runs.index((row["stage"], row["seed"]))
        y = list(names).index(row["metric"]) + step * (run - (len(runs) - 1) / 2)
        style, x = look(study.names().index(row["stage"])), 100 * row["value"]
        axes.plot(
            [100 * row["low"], 100 * row["high"]], [y, y], color=style.colour, linewidth=1.1, solid_capstyle="butt"
        )
        axes.plot(x, y, marker=style.marker, color=style.colour, **DOT)
        text = f"{run_name(study, row['stage'], row['seed'])} {x:.1f}" + (
            "" if row["n"] == items else f" of {row['n']}"
        )
        axes.annotate(text, (103.5, y), color=style.colour, va="center", fontsize=6, annotation_clip=False)
    known = _known(study, results, next(iter(names)))
    for row, side in zip(
        sorted(known, key=lambda row: (row["value"], row["baseline"])), ("right", "left"), strict=False
    ):
        _baseline(axes, row, side, _rule(results, row))
    axes.set(xlim=(0, 100), ylim=(len(names) - 0.5, -0.72), yticks=range(len(names)), yticklabels=names.values())
    axes.set_xlabel(f"% of {items} items of {split}, with Wilson 95% intervals")
    for place in range(1, len(names)):
        axes.axhline(place - 0.5, color="#e4e4e4", linewidth=0.5, zorder=0)
    axes.tick_params(axis="y", length=0)
    thin_grid(axes, "x")


def _panels(figure: Figure, study: StudyReport, results: dict[str, Any]) -> None:
    """A panel a metric, stages down in each, arms apart: a stage is told by its place and marker, not by its colour."""
    split, names, runs = study.splits[0], _rates(study, results), study.runs()
    faults = results["faults"]
    rows = {
        (row["metric"], row["stage"], row["seed"]): row
        for row in results["metrics"]
        if row["split"] == split and row["value"] is not None
    }
    series, places = rungs(study)
    items = next(e["n"] for e in results["evaluations"] if e["split"] == split)
    grid = figure.subplots(-(-len(names) // ACROSS), ACROSS, sharey=True, squeeze=False)
    for at, axes in enumerate(grid.flat):
        if at >= len(names):
            axes.set_axis_off()
            continue
        name, label = list(names.items())[at]
        counts = {row["n"] for (metric, _, _), row in rows.items() if metric == name}
        for y, (stage, seed) in zip(places, runs, strict=True):
            row, style = rows.get((name, stage, seed)), series[stage]
            if row:
                limits = [100 * row["low"], 100 * row["high"]]
                axes.plot(limits, [y, y], color=style.colour, linewidth=1.1, solid_capstyle="butt")
                axes.plot(100 * row["value"], y, marker=style.marker, color=style.colour, **DOT | {"markersize": 3.6})
        for row in _known(study, results, name):
            line = _rule(results, row)
            axes.axvline(100 * row["value"], color=INK, linewidth=0.5, linestyle=line, zorder=0)
        many = f" ({min(counts)} items)" if len(counts) == 1 and counts != {items} else ""
        axes.set_title(_wrapped(f"{LESS if name in faults else ''}{label}{many}"), fontsize=6)
        axes.set(xlim=(0, 100), ylim=(places[-1] + 0.6, -0.6), xticks=[0, 50, 100], yticks=places)
        axes.set_yticklabels([run_name(study, *run) for run in runs])
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        thin_grid(axes, "both")
    figure.supxlabel(f"% of {items} items of {split} with 95% intervals; ↓: less is better", fontsize=6.5, color=INK)


def rungs(study: StudyReport) -> tuple[dict[str, Look], list[float]]:
    """Stages down a panel: each stage's look, and each run's place, arms a little apart."""
    arms = study.tree().arms()
    series, gap, places = {}, 0.0, []
    for at, (stage, seed) in enumerate(study.runs()):
        arm = next((place for place, arm in enumerate(arms) if stage in arm), None)
        series[stage] = look(0 if stage == BASE_STAGE else 1 if arm is None else arm + 2)
        fresh = arm is not None and (stage, seed) == (arms[arm][0], study.seeds_of(stage)[0])
        gap += 0.6 if fresh and at else 0.0
        places.append(at + gap)
    return series, places


def arms(figure: Figure, study: StudyReport, results: dict[str, Any], logs: Any) -> None:
    """Key metrics by step of training: the main arm stage by stage, the others from where they part to their ends.

    Of the first seed, on the range of what is drawn. The dotted rule is the base, or its value stands at
    the left. Arms that end at the same step stand a little apart; all are named at their right.
    """
    split, tree, key = study.splits[0], study.tree(), results["key_metrics"]
    rates = {(r["metric"], r["stage"], r["seed"]): r for r in results["metrics"] if r["split"] == split}
    labels, lines = _rates(study, results), tree.arms()
    grid = figure.subplots(len(key), 1, sharex=True, squeeze=False)[:, 0]
    inside = {name for arm in lines for name in arm}
    ends = {stage.name: _steps(study, stage.name, inside) for stage in study.stages}
    last = max(ends.values()) or 1
    for metric, axes in zip(key, grid, strict=True):
        named = []
        for place, arm in enumerate(lines):
            fork = study.stage(arm[0]).parent
            style, shifted = look(place + 2), DODGE * last * (place - (len(lines) - 1) / 2)
            stages = [fork, *arm]
            rows = [rates[metric, stage, study.seeds_of(stage)[0]] for stage in stages]
            xs = [ends.get(stage, 0) + (shifted if at else 0.0) for at, stage in enumerate(stages)]
            ys = [100 * row["value"] for row in rows]
            axes.plot(xs, ys, color=style.colour, linestyle=style.line, linewidth=1.1)
            for x, y, row in list(zip(xs, ys, rows, strict=True))[1:]:
                _bar(axes, x, row, style.colour)
                axes.plot(x, y, marker=style.marker, color=style.colour, **DOT)
            named.append((ys[-1], arm[-1], style.colour))
        fork = study.stage(lines[0][0]).parent
        row, style = rates[metric, fork, study.seeds_of(fork)[0]], look(1)
        _bar(axes, ends.get(fork, 0), row, style.colour)
        axes.plot(ends.get(fork, 0), 100 * row["value"], marker=style.marker, color=style.colour, **DOT)
        drawn = [rates[metric, stage, study.seeds_of(stage)[0]] for stage in ends]
        low = 10 * floor(10 * min(r["low"] for r in drawn))
        high = 10 * ceil(10 * max(r["high"] for r in drawn))
        base = 100 * rates[metric, BASE_STAGE, 0]["value"]
        if low <= base <= high:
            axes.axhline(base, color=MUTED, linewidth=0.8, linestyle=(0, (1.2, 1.6)))
        else:
            axes.text(0.01, 0.03, f"base {base:.1f}", transform=axes.transAxes, color=MUTED, fontsize=6)
        axes.set(xlim=(-0.03 * last, 1.03 * last), ylim=(low, high), yticks=[low, (low + high) / 2, high])
        axes.set_title(f"{LESS if metric in results['faults'] else ''}{labels[metric]}, %", fontsize=6.5)
        end_labels(axes, named, 0.13 * (high - low), high)
        thin_grid(axes, "y")
    marks = dict.fromkeys(ends[name] for name in lines[0])
    fork = ends.get(study.stage(lines[0][0]).parent, 0)
    grid[-1].set_xticks([fork, *marks])
    shown = [study.stage(lines[0][0]).parent, *lines[0]]
    grid[-1].set_xticklabels([f"{x}\n{name}" for x, name in zip([fork, *marks], shown, strict=False)], fontsize=5.8)
    grid[-1].set_xlabel("steps since the arms part, and stages of the main arm")


def _steps(study: StudyReport, stage: str, inside: set[str]) -> int:
    """Steps of training behind a stage since the arms part; none for what all of them share."""
    return sum(study.stage(name).steps for name in study.lineage(stage) if name in inside)


def _bar(axes: Axes, x: float, row: dict[str, Any], colour: str) -> None:
    axes.plot([x, x], [100 * row["low"], 100 * row["high"]], color=colour, linewidth=0.9, solid_capstyle="butt")


def _wrapped(title: str, width: int = 27) -> str:
    """A title in lines that a panel holds."""
    import textwrap

    return "\n".join(textwrap.wrap(title, width))


def _known(study: StudyReport, results: dict[str, Any], metric: str) -> list[dict[str, Any]]:
    """The baselines that stand beside every stage, where they have the metric."""
    rows = [r for r in results["baselines"] if r["split"] == study.splits[0] and r["metric"] == metric]
    return [row for row in rows if row["baseline"] in results["references"]]


def _rule(results: dict[str, Any], row: dict[str, Any]) -> Any:
    return RULES[results["references"].index(row["baseline"]) % len(RULES)][1]


def _baseline(axes: Axes, row: dict[str, Any], side: str, line: Any) -> None:
    """A thin rule across the first metric's band, named above it."""
    x = 100 * row["value"]
    axes.plot([x, x], [-0.5, 0.5], color=INK, linewidth=0.6, linestyle=line)
    words = f" {row['baseline'].replace('_', ' ')} {x:.1f} "
    axes.annotate(words, (x, -0.56), ha=side, va="center", fontsize=5.8, color=INK)


def _rates(study: StudyReport, results: dict[str, Any]) -> dict[str, str]:
    """Metric -> label, in the order of the results."""
    labels = {name: rate["label"] for e in results["evaluations"] for name, rate in e["metrics"].items()}
    found = dict.fromkeys(row["metric"] for row in results["metrics"] if row["split"] == study.splits[0])
    return {name: labels.get(name, name.replace("_", " ").capitalize()) for name in found}


def run_name(study: StudyReport, stage: str, seed: int) -> str:
    """A run as its label has it."""
    return stage if stage == BASE_STAGE or len(study.seeds) == 1 else f"{stage} (seed {seed})"

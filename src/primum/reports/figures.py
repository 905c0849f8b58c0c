"""The figures of a study: loss and reward by step, metrics by stage with their intervals, and calibration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from primum.errors import UserError
from primum.evaluation.stats import rate
from primum.files import read_json, read_jsonl
from primum.reports.audit_figures import AUDIT_FIGURES
from primum.reports.catalogue import figure_files
from primum.reports.data_figures import composition, composition_size, yield_of, yield_size
from primum.reports.deployment_figures import deployments, deployments_size
from primum.reports.plotting import INK, MUTED, WIDE, WIDTH, Look, canvas, end_labels, look, save, thin_grid
from primum.reports.reward_figures import parts_size, reward_parts
from primum.reports.sources import StudyReport
from primum.reports.stage_figures import DOT, arms, metric_by_stage, metric_size, run_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FEW, ACROSS = 2, 4  # stages whose rewards are shown by component; panels side by side
SMOOTH = 5  # steps of the running mean drawn over the raw reward
Logs = Mapping[tuple[str, int], list[dict[str, Any]]]


def plot(name: str, study: StudyReport, inputs: Sequence[Path], svg: Path, png: Path) -> None:
    """Draw one figure.

    Args:
        name: one of :data:`DRAWN`.
        study: whose.
        inputs: the records that :func:`primum.reports.sources.figure_files` names, and for training figures
            ``.../{stage}/seed{n}/train_log.jsonl`` of every trained stage.
        svg, png: where to.
    """
    if name not in DRAWN:
        raise UserError(f"There is no figure '{name}'.", f"Use one of {', '.join(DRAWN)}.")
    paths = {path.name: path for path in inputs}
    for needed in figure_files(name):
        if needed not in paths:
            raise UserError(f"--inputs names no {needed}.", f"Figure '{name}' is drawn from it; give its path.")
    records = {needed: read_json(paths[needed]) for needed in figure_files(name)}
    results = records if len(records) > 1 else records[figure_files(name)[0]]
    logs = {
        (p.parent.parent.name, int(p.parent.name.removeprefix("seed"))): read_jsonl(p)
        for p in inputs
        if p.name == "train_log.jsonl"
    }
    draw, size = DRAWN[name]
    with canvas(f"{study.study}_{name}", *size(study, results)) as figure:
        draw(figure, study, results, logs)
        save(figure, svg, png)


def training_loss(figure: Figure, study: StudyReport, results: dict[str, Any], logs: Logs) -> None:
    """Loss of every SFT stage by step."""
    stages = [stage.name for stage in study.stages if stage.method == "sft"]
    axes = figure.subplots()
    labels, lowest = [], 0.0
    for (stage, seed), log in sorted(logs.items()):
        if stage not in stages:
            continue
        style = look(study.names().index(stage))
        steps, losses = _series(log, "loss")
        if not losses:  # shorter than its logging interval
            continue
        axes.plot(
            steps,
            losses,
            color=style.colour,
            linestyle=style.line,
            marker=style.marker,
            markevery=max(1, len(steps) // 12),
        )
        labels.append((losses[-1], run_name(study, stage, seed), style.colour))
        lowest = min(lowest, *losses)
    _or_nothing(axes, labels, "no SFT loss was logged")
    axes.set(xlabel="step", ylabel="loss on the completion", xlim=(0, None), ylim=(lowest, None))
    end_labels(axes, labels, 0.06 * axes.get_ylim()[1])
    thin_grid(axes, "y")


def training_reward(figure: Figure, study: StudyReport, results: dict[str, Any], logs: Logs) -> None:
    """Mean reward of every GRPO stage by step, in all and by component; of many stages, in all alone."""
    stages = [stage.name for stage in study.stages if stage.method == "grpo"]
    if len(stages) > FEW:
        _rewards_in_all(figure, study, stages, logs)
        return
    grid = figure.subplots(2, max(1, len(stages)), sharex="col", sharey="row", squeeze=False, height_ratios=[1, 1.25])
    for column, stage in enumerate(stages):
        top, bottom = grid[0][column], grid[1][column]
        ends: dict[str, list[float]] = {}
        for (name, _), log in sorted(logs.items()):
            if name == stage:
                _curve(top, log, "reward", Look(INK, "", "-"), 1.2)
                for place, component in enumerate(_components(log)):
                    # Components that are earned together lie on each other: the first is drawn broad, below the others.
                    style, width = look(place + 1), 1.2 if place else 3.2
                    means = _curve(
                        bottom, log, f"rewards/{component}/mean", style if place else Look("#9cc7e2", "", "-"), width
                    )
                    ends.setdefault(component, []).append(means[-1])
        labels = [(sum(v) / len(v), name, look(place + 1).colour) for place, (name, v) in enumerate(ends.items())]
        end_labels(bottom, labels, 0.085)
        top.set(title=stage, ylim=(min(0, top.get_ylim()[0]), None))
        bottom.set(xlabel="step", xlim=(0, None), ylim=(0, 1.03))
        thin_grid(top, "y")
        thin_grid(bottom, "y")
    grid[0][0].set_ylabel("reward in all")
    grid[1][0].set_ylabel("share earning it")
    if not stages:
        _or_nothing(grid[0][0], [], "no GRPO stage in this study")


def _rewards_in_all(figure: Figure, study: StudyReport, stages: Sequence[str], logs: Logs) -> None:
    """A panel a stage, each under its own table, all with the same scale."""
    rows = -(-len(stages) // ACROSS)
    grid = figure.subplots(rows, ACROSS, sharey=True, squeeze=False)
    for place, axes in enumerate(grid.flat):
        if place >= len(stages):
            axes.set_axis_off()
            continue
        stage, first = stages[place], []
        for (name, _), log in sorted(logs.items()):
            if name == stage:
                _curve(axes, log, "reward", Look(INK, "", "-"), 1.2)
                first.append(_series(log, "reward")[0][0])
        table = study.stage(stage).rewards
        axes.set_title(stage if table == stage else f"{stage} ({table})", fontsize=6.5)
        axes.set_xlim(min(first, default=1) - 1, None)  # a block that continues counts on from its parent
        if place + ACROSS >= len(stages):
            axes.set_xlabel("step")
        thin_grid(axes, "y")
    grid[0][0].set_ylim(min(0, grid[0][0].get_ylim()[0]), None)  # shared by all, once all are drawn
    for row in grid:
        row[0].set_ylabel("reward in all")


def calibration(figure: Figure, study: StudyReport, results: dict[str, Any], logs: Logs) -> None:
    """Accuracy against stated confidence, a panel a stage, on the headline split and the first seed."""
    grid = figure.subplots(1, len(study.names()), sharey=True, squeeze=False)[0]
    for place, (stage, axes) in enumerate(zip(study.names(), grid, strict=True)):
        seed = study.seeds_of(stage)[0]
        key = (stage, seed, study.splits[0])
        found = next(e for e in results["evaluations"] if (e["stage"], e["seed"], e["split"]) == key)["calibration"]
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.6, linestyle=(0, (4, 2)))
        style = look(place)
        for row in found["bins"]:
            limits = rate(round(row["accuracy"] * row["n"]), row["n"])
            x = row["mean_confidence"]
            axes.plot([x, x], [limits.low, limits.high], color=style.colour, linewidth=1.1, solid_capstyle="butt")
            axes.plot(x, row["accuracy"], marker=style.marker, color=style.colour, **DOT)
        words = "no confidence stated"
        if found["n"]:
            words = (
                f"n = {found['n']}\nECE {found['ece']:.3f}\nchance alone\n{found['null_low']:.3f} to"
                f" {found['null_high']:.3f}"
            )
        axes.text(0.04, 0.97, words, transform=axes.transAxes, va="top", fontsize=6, color=INK, linespacing=1.35)
        axes.set(title=run_name(study, stage, seed), xlabel="stated confidence", xlim=(0, 1.03), ylim=(-0.03, 1.03))
        axes.set(xticks=[0, 0.5, 1], xticklabels=["0", "0.5", "1"], yticks=[0, 0.5, 1], yticklabels=["0", "0.5", "1"])
        axes.set_aspect("equal")
        thin_grid(axes, "both")
    grid[0].set_ylabel("share right")


def _series(log: list[dict[str, Any]], name: str) -> tuple[list[int], list[float]]:
    found = [(entry["step"], entry[name]) for entry in log if entry["step"] and name in entry]
    return [step for step, _ in found], [value for _, value in found]


def _components(log: list[dict[str, Any]]) -> list[str]:
    """Reward components in a run's log, best-known order: as a reader meets them, the easiest first."""
    last = log[-1]
    names = [key.split("/")[1] for key in last if key.startswith("rewards/") and key.endswith("/mean")]
    return sorted(names, key=lambda name: (-sum(_series(log, f"rewards/{name}/mean")[1]), name))


def _curve(axes: Axes, log: list[dict[str, Any]], name: str, style: Look, width: float) -> list[float]:
    """The raw series, thin, and its running mean; returns the latter."""
    steps, values = _series(log, name)
    half = SMOOTH // 2
    means = [sum(near) / len(near) for i in range(len(values)) if (near := values[max(0, i - half) : i + half + 1])]
    axes.plot(steps, values, color=style.colour, linewidth=0.5, alpha=0.35)
    axes.plot(steps, means, color=style.colour, linestyle=style.line, linewidth=width)
    return means


def _or_nothing(axes: Axes, drawn: Sequence[Any], words: str) -> None:
    if not drawn:
        axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", color=MUTED)


Size = Callable[[StudyReport, dict[str, Any]], tuple[float, float]]
Draw = Callable[["Figure", StudyReport, dict[str, Any], Logs], None]
DRAWN: dict[str, tuple[Draw, Size]] = {
    "composition": (composition, composition_size),
    "yield": (yield_of, yield_size),
    "training_loss": (training_loss, lambda study, results: (WIDTH, 1.9)),
    "training_reward": (
        training_reward,
        lambda study, results: (
            (WIDTH if _grpo(study) < 2 else WIDE, 3.0)
            if _grpo(study) <= FEW
            else (WIDE, 0.3 + 1.45 * -(-_grpo(study) // ACROSS))
        ),
    ),
    "metric_by_stage": (metric_by_stage, metric_size),
    "arms": (arms, lambda study, results: (WIDTH, 0.6 + 1.45 * len(results["key_metrics"]))),
    "reward_parts": (reward_parts, parts_size),
    "calibration": (calibration, lambda study, results: (min(WIDE, 0.5 + 2.1 * len(study.names())), 2.35)),
    "deployments": (deployments, deployments_size),
    **AUDIT_FIGURES,
}


def _grpo(study: StudyReport) -> int:
    return sum(stage.method == "grpo" for stage in study.stages)

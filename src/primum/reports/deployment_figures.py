"""The figure of deployments: key metrics of stages, of other prompts, and of the safety layer on each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from primum.reports.plotting import INK, WIDE, look, thin_grid
from primum.reports.sources import StudyReport
from primum.reports.stage_figures import DOT, LESS
from primum.stages import BASE_STAGE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROW = 0.16  # inches


def deployments(figure: Figure, study: StudyReport, results: dict[str, Any], logs: Any) -> None:
    """A panel a key metric; stages and prompts down, each with its layer below it in the same colour, open."""
    stages, deployed = results["eval_results.json"], results["deployments.json"]
    split = study.splits[0]
    rates = {(r["metric"], r["stage"], r["seed"]): r for r in stages["metrics"] if r["split"] == split}
    rates |= {
        (r["metric"], r["deployment"], r["seed"]): r for r in deployed["deployment_metrics"] if r["split"] == split
    }
    order = _order(study)
    labels = {
        name: m["label"] for e in stages["evaluations"] if e["split"] == split for name, m in e["metrics"].items()
    }
    key = stages["key_metrics"]
    for metric, axes in zip(key, figure.subplots(1, len(key), sharey=True, squeeze=False)[0], strict=True):
        for y, (name, root, layer, seed) in enumerate(order):
            row = rates.get((metric, name, seed))
            if row is None or row["value"] is None:
                continue
            style = look(root)
            fill = {"markerfacecolor": "white", "markeredgecolor": style.colour} if layer else {}
            axes.plot([100 * row["low"], 100 * row["high"]], [y, y], color=style.colour, linewidth=1.1)
            axes.plot(100 * row["value"], y, marker=style.marker, color=style.colour, **(DOT | fill))
        axes.set_title(f"{LESS if metric in stages['faults'] else ''}{labels[metric]}", fontsize=7)
        axes.set(xlim=(0, 100), ylim=(len(order) - 0.4, -0.6), xticks=[0, 50, 100], yticks=range(len(order)))
        axes.set_yticklabels([name for name, *_ in order])
        axes.tick_params(axis="y", length=0)
        thin_grid(axes, "both")
    figure.supxlabel(f"% on {split} with 95% intervals; ↓: less is better", fontsize=6.5, color=INK)


def deployments_size(study: StudyReport, results: dict[str, Any]) -> tuple[float, float]:
    """Width and height of :func:`deployments`."""
    return WIDE, 0.7 + ROW * len(_order(study))


def _order(study: StudyReport) -> list[tuple[str, int, bool, int]]:
    """Name, colour's place, whether open, and seed (the first), what a deployment was made of before it."""
    roots = [BASE_STAGE, *(node.name for node in study.deployments if not node.layer)]
    roots += [stage.name for stage in study.stages]
    layers = {node.of: node.name for node in study.deployments if node.layer}
    seeds = {name: seed for name, seed in reversed([*study.runs(), *study.deployed()])}
    found = []
    for place, name in enumerate(roots):
        found.append((name, place, False, seeds[name]))
        if name in layers:
            found.append((layers[name], place, True, seeds[layers[name]]))
    return found

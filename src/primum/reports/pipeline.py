"""The pipeline figure: the graph of what was run, as Snakemake has it on record, drawn in layers from top to bottom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from primum.provenance.graph import Edge, Graph, layers, reduced
from primum.reports.plotting import INK, MUTED, WIDE, canvas, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

READ = "paper, report, cards"  # what is made of the numbers and figures: after this one, so not on record yet
FILLS = {"data": "#e6f0f7", "teacher": "#fdf1dc", "trl": "#fbe6d8", "tunix": "#f3e2ee", "analysis": "#e3f2ec"}
BOX, TALL = 1.05, 0.3  # inches: a box
GAP, FREE, STEP = 1.15, 0.2, 0.5  # inches between the middles of boxes, of arrows that pass, and down
SWEEPS = 12
PORT = 0.2  # inches between arrows that end at one box
Point = tuple[float, float]
Way = list[tuple[int, str]]  # (layer, node or place kept free) of an edge, from above to below


def draw_pipeline(graph: Graph, svg: Path, png: Path) -> None:
    """Draw the graph: a box a rule, with how many jobs it had and its environment; an arrow where files were handed on.

    Args:
        graph: see :func:`primum.provenance.graph.graph_of`; all of it leads to numbers and figures.
        svg, png: where to.
    """
    ends = sorted(set(graph.jobs) - {first for first, _ in graph.files})
    files = {**graph.files, **{(end, READ): 0 for end in ends}}
    depth, back = layers([*graph.jobs, READ], files)
    kept = reduced(edge for edge in files if edge not in back)
    ways = [_way(edge, depth) for edge in kept]
    rows = _rows(depth, ways)
    places = _places(rows, ways)
    low, high = min(places.values()), max(places.values())
    height = STEP * max(depth.values()) + TALL + 0.1
    middle, half = (low + high) / 2, max(WIDE, high - low + BOX + 0.06) / 2
    with canvas("pipeline", WIDE, height) as figure:
        figure.set_layout_engine("none")  # places are given in inches
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(middle - half, middle + half), ylim=(height - TALL / 2 - 0.05, -TALL / 2 - 0.05))
        axes.set_axis_off()
        lines = _ports([[(places[node], STEP * layer) for layer, node in way] for way in ways])
        for edge, line in zip(kept, lines, strict=True):
            _arrow(axes, line, files[edge])
        for first, then in back:
            _back(axes, (places[first], STEP * depth[first]), (places[then], STEP * depth[then]))
        for node, layer in sorted(depth.items()):
            _box(axes, places[node], STEP * layer, node, graph)
        save(figure, svg, png)


def _way(edge: Edge, depth: Mapping[str, int]) -> Way:
    """Both ends and, in the layers between them, a place that is kept free."""
    first, then = edge
    between = [(layer, f"{first}>{then}@{layer}") for layer in range(depth[first] + 1, depth[then])]
    return [(depth[first], first), *between, (depth[then], then)]


def _rows(depth: Mapping[str, int], ways: Sequence[Way]) -> list[list[str]]:
    """Nodes of every layer from left to right: by the mean place of their neighbours, swept down and up (Sugiyama,
    Tagawa and Toda 1981, IEEE Trans SMC 11:109)."""
    found: list[dict[str, None]] = [{} for _ in range(max(depth.values()) + 1)]
    for node, layer in sorted(depth.items()):
        found[layer][node] = None
    for way in ways:
        for layer, node in way:
            found[layer][node] = None
    rows = [list(row) for row in found]
    above, below = _neighbours(ways)
    best, least = [list(row) for row in rows], _crossings(rows, ways)
    for sweep in range(SWEEPS):
        order = range(len(rows)) if sweep % 2 == 0 else range(len(rows) - 1, -1, -1)
        for layer in order:
            near = above if sweep % 2 == 0 else below
            at = {node: place / max(1, len(row) - 1) for row in rows for place, node in enumerate(row)}
            rows[layer].sort(key=lambda node: (_mean([at[other] for other in near.get(node, ())], at[node]), node))
        if (crossed := _crossings(rows, ways)) < least:
            best, least = [list(row) for row in rows], crossed
    return best


def _neighbours(ways: Sequence[Way]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    above: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for way in ways:
        for (_, first), (_, then) in pairwise(way):
            above.setdefault(then, []).append(first)
            below.setdefault(first, []).append(then)
    return above, below


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _crossings(rows: Sequence[Sequence[str]], ways: Sequence[Way]) -> int:
    """Pairs of arrows that cross between two layers."""
    at = {node: place for row in rows for place, node in enumerate(row)}
    steps: dict[int, list[tuple[int, int]]] = {}
    for way in ways:
        for (layer, first), (_, then) in pairwise(way):
            steps.setdefault(layer, []).append((at[first], at[then]))
    return sum(
        (a[0] - b[0]) * (a[1] - b[1]) < 0 for pairs in steps.values() for i, a in enumerate(pairs) for b in pairs[:i]
    )


def _places(rows: Sequence[Sequence[str]], ways: Sequence[Way]) -> dict[str, float]:
    """Where every node stands across, in inches: near its neighbours, and never nearer than a box to the next."""
    above, below = _neighbours(ways)
    places = {node: GAP * (at - (len(row) - 1) / 2) for row in rows for at, node in enumerate(row)}
    ends = {node for way in ways for _, node in (way[0], way[-1])}
    for sweep in range(SWEEPS):
        for row in rows if sweep % 2 == 0 else rows[::-1]:
            near = [[places[other] for other in (*above.get(node, ()), *below.get(node, ()))] for node in row]
            wanted = [_mean(values, places[node]) for node, values in zip(row, near, strict=True)]
            widths = [GAP if node in ends else FREE for node in row]
            places |= dict(zip(row, _apart(wanted, widths), strict=True))
    return places


def _apart(wanted: Sequence[float], widths: Sequence[float]) -> list[float]:
    """The places nearest to those wanted, in their order, at which nothing overlaps (by pooling adjacent violators)."""
    offsets = [0.0]
    for one, other in pairwise(widths):
        offsets.append(offsets[-1] + (one + other) / 2)
    pools: list[list[float]] = []  # [sum, size] of what moves together
    for place, offset in zip(wanted, offsets, strict=True):
        pools.append([place - offset, 1])
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] > pools[-1][0] / pools[-1][1]:
            (first, of), (then, more) = pools[-2:]
            pools[-2:] = [[first + then, of + more]]
    level = [total / size for total, size in pools for _ in range(int(size))]
    return [at + offset for at, offset in zip(level, offsets, strict=True)]


def _ports(lines: list[list[Point]]) -> list[list[Point]]:
    """Lines whose ends at one box stand apart, in the order in which they come."""
    made = [list(line) for line in lines]
    for end, near in ((0, 1), (-1, -2)):
        meeting: dict[Point, list[int]] = {}
        for at, line in enumerate(lines):
            meeting.setdefault(line[end], []).append(at)
        for (x, y), held in meeting.items():
            held.sort(key=lambda at: (lines[at][near][0], at))
            for place, at in enumerate(held):
                made[at][end] = (x + PORT * (place - (len(held) - 1) / 2), y)
    return made


def _arrow(axes: Axes, points: Sequence[Point], files: int) -> None:
    """From below the first box to above the last, bending at the places kept free; how many files, at its end."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path as Line

    # Straight through a layer, so that bends lie between layers, where no box stands.
    through = [(x, y + side * TALL / 2) for x, y in points[1:-1] for side in (-1, 1)]
    ends = [(points[0][0], points[0][1] + TALL / 2), *through, (points[-1][0], points[-1][1] - TALL / 2)]
    vertices, codes = [ends[0]], [Line.MOVETO]
    for (x, y), (to_x, to_y) in pairwise(ends):
        middle = (y + to_y) / 2
        vertices += [(x, middle), (to_x, middle), (to_x, to_y)]
        codes += [Line.CURVE4] * 3
    arrow = {"arrowstyle": "-|>,head_length=2.6,head_width=1.3", "shrinkA": 0, "shrinkB": 0, "linewidth": 0.7}
    axes.add_patch(FancyArrowPatch(path=Line(vertices, codes), color=MUTED, zorder=1, **arrow))
    if files:
        _words(axes, ends[-1][0] + 0.03, ends[-1][1] - 0.05, f"{files:,}", size=5.5, ha="left", color=MUTED)


def _back(axes: Axes, start: Point, end: Point) -> None:
    """Where a rule waits for one that stands below it: dashed, around the right."""
    from matplotlib.patches import FancyArrowPatch

    (x, y), (to_x, to_y) = start, end
    arrow = FancyArrowPatch(
        (x + BOX / 2, y),
        (to_x + BOX / 2, to_y),
        connectionstyle="arc3,rad=0.4",
        arrowstyle="-|>,head_length=2.6,head_width=1.3",
        linestyle=(0, (4, 2)),
        linewidth=0.7,
        color=MUTED,
        shrinkA=0,
        shrinkB=0,
    )
    axes.add_patch(arrow)


def _box(axes: Axes, x: float, y: float, node: str, graph: Graph) -> None:
    from matplotlib.patches import FancyBboxPatch

    made = node in graph.jobs
    environment = graph.environments.get(node, "")
    box = FancyBboxPatch(
        (x - BOX / 2, y - TALL / 2),
        BOX,
        TALL,
        boxstyle="round,pad=0,rounding_size=0.04",
        facecolor=FILLS.get(environment, "white"),
        edgecolor=INK if made else MUTED,
        linewidth=0.6,
        linestyle="-" if made else (0, (3, 2)),
        zorder=2,
    )
    axes.add_patch(box)
    if not made:
        _words(axes, x, y, node, size=6.5)
        return
    jobs = f"{graph.jobs[node]:,} job{'s' if graph.jobs[node] > 1 else ''}"
    detail = f"{jobs}{', chained' if node in graph.repeated else ''} · {environment or '–'}"  # noqa: RUF001
    _words(axes, x, y - 0.06, node, size=6.5)
    _words(axes, x, y + 0.075, detail, size=5.5, color=MUTED)


def _words(axes: Axes, x: float, y: float, text: str, size: float, **look: Any) -> None:
    axes.text(x, y, text, fontsize=size, va="center", zorder=3, **({"ha": "center", "color": INK} | look))

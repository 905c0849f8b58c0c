"""Figures of the data: what every split is made of, and what became of the drafts that a teacher wrote."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from primum.reports.catalogue import CORPUS_RECORD
from primum.reports.plotting import INK, MUTED, WIDTH, look, thin_grid
from primum.reports.sources import StudyReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN = 9  # kinds that have a bar of their own where there are more than one more
OTHER = "other"
LINE = 0.125  # inches a row of bars takes
BAR, PALE = "#5b8db8", "#c4d8e8"
SMALL = 5.6  # points: numbers at bars
FATES = (  # of a draft: how named, what it is filled and hatched with
    ("kept", "kept", "#2f6690", ""),
    ("surplus", "beyond the quota", "#a9c6dc", "////"),
    ("rejected", "rejected", "#ffffff", ""),
)


def composition(figure: Figure, study: StudyReport, described: dict[str, Any], logs: Any) -> None:
    """Rows of every split by kind and by what is right: a panel a split, lengths as shares of it, counts beside them.

    Args:
        figure: empty.
        study: whose.
        described: the content of ``splits.json``.
        logs: not used.
    """
    kinds, answers = _kinds(described), _counted(described, "answers")
    names = _splits(study, described)
    rows = [*(("kinds", kind) for kind in kinds), *(("answers", answer) for answer in answers)]
    places = [at + (0.8 if block == "answers" else 0.0) for at, (block, _) in enumerate(rows)]
    cells = {name: [_count(described["splits"][name], block, row, kinds) for block, row in rows] for name in names}
    totals = {name: described["splits"][name]["rows"] for name in names}
    widest = max(count / max(1, totals[name]) for name in names for count in cells[name])
    grid = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
    for name, axes in zip(names, grid, strict=True):
        shares = [count / max(1, totals[name]) for count in cells[name]]
        fills = [BAR if block == "kinds" else PALE for block, _ in rows]
        axes.barh(places, shares, height=0.72, color=fills, edgecolor=MUTED, linewidth=0.4)
        for y, share, count in zip(places, shares, cells[name], strict=True):
            axes.text(share + 0.03 * widest, y, f"{count:,}", va="center", fontsize=SMALL, color=INK)
        _headed(axes, name, f"{totals[name]:,} rows")
        _bare(axes, widest * 1.62)
    labels = [row.replace("_", " ") for _, row in rows]
    grid[0].set(ylim=(places[-1] + 0.6, -0.6), yticks=places, yticklabels=labels)
    for axes in grid:
        axes.axhline(places[len(kinds)] - 0.9, color="#dcdcdc", linewidth=0.5)


def composition_size(study: StudyReport, described: dict[str, Any]) -> tuple[float, float]:
    """Width and height of :func:`composition`."""
    return WIDTH, 0.45 + LINE * (len(_kinds(described)) + len(_counted(described, "answers")) + 1)


def yield_of(figure: Figure, study: StudyReport, records: dict[str, Any], logs: Any) -> None:
    """What became of the drafts asked for: by kind and split, rejected ones by reason; and teachers beside each other.

    Args:
        figure: empty.
        study: whose.
        records: the contents of ``generation.json`` and ``comparison.json``, by name.
        logs: not used.
    """
    made, beside = records[CORPUS_RECORD], records["comparison.json"]
    names = _splits(study, made)
    grid = figure.add_gridspec(3, len(names), height_ratios=_heights(records))
    rows = []
    for at in (0, 1):
        first = figure.add_subplot(grid[at, 0])
        others = [figure.add_subplot(grid[at, column], sharey=first) for column in range(1, len(names))]
        for axes in others:
            axes.tick_params(labelleft=False)
        rows.append([first, *others])
    _fates(rows[0], made, names)
    _rejections(rows[1], made, names)
    _teachers(figure.add_subplot(grid[2, :]), beside, _drafted(made))
    _key(figure)


def yield_size(study: StudyReport, records: dict[str, Any]) -> tuple[float, float]:
    """Width and height of :func:`yield_of`."""
    return WIDTH, sum(_heights(records))


def _heights(records: Mapping[str, Any]) -> list[float]:
    made, beside = records[CORPUS_RECORD], records["comparison.json"]
    compared = (len(_drafted(made)) + 1) * max(0.14, 0.105 * len(beside["teachers"]))
    return [0.62 + LINE * len(_drafted(made)), 0.32 + LINE * len(_reasons(made)), 0.5 + compared]


def _fates(grid: Sequence[Axes], made: Mapping[str, Any], names: Sequence[str]) -> None:
    kinds = _drafted(made)
    for name, axes in zip(names, grid, strict=True):
        cells = [(y, made["splits"][name][kind]) for y, kind in enumerate(kinds) if kind in made["splits"][name]]
        for y, cell in cells:
            counts = {"kept": cell["kept"], "surplus": cell["surplus"], "rejected": sum(cell["rejected"].values())}
            left = 0.0
            for fate, _, fill, hatch in FATES:
                width = counts[fate] / cell["asked"]
                axes.barh(y, width, left=left, height=0.72, color=fill, hatch=hatch, edgecolor=MUTED, linewidth=0.4)
                left += width
            axes.text(1.04, y, f"{cell['asked']:,}", va="center", fontsize=SMALL, color=INK)
        _headed(axes, name, f"{sum(cell['asked'] for _, cell in cells):,} asked")
        _bare(axes, 1.42)
    _named(grid[0], kinds)


def _key(figure: Figure) -> None:
    """What the fills of :func:`_fates` mean."""
    from matplotlib.patches import Patch

    looks = [{"facecolor": fill, "hatch": hatch, "label": words} for _, words, fill, hatch in FATES]
    keys = [Patch(edgecolor=MUTED, linewidth=0.4, **look) for look in looks]
    figure.legend(
        handles=keys, loc="outside upper center", ncols=len(keys), frameon=False, fontsize=6, handlelength=1.6
    )


def _rejections(grid: Sequence[Axes], made: Mapping[str, Any], names: Sequence[str]) -> None:
    reasons = _reasons(made)
    counts: dict[str, Counter[str]] = {name: Counter() for name in names}
    for name in names:
        for cell in made["splits"][name].values():
            counts[name].update(cell["rejected"])
    most = max((count for found in counts.values() for count in found.values()), default=0) or 1
    for name, axes in zip(names, grid, strict=True):
        values = [counts[name][reason] for reason in reasons]
        axes.barh(range(len(reasons)), values, height=0.72, color="#ffffff", edgecolor=MUTED, linewidth=0.6)
        for y, value in enumerate(values):
            axes.text(value + 0.05 * most, y, f"{value:,}", va="center", fontsize=SMALL, color=INK)
        _headed(axes, "", f"{sum(values):,} rejected")
        _bare(axes, most * 1.42)
    _named(grid[0], reasons)


def _teachers(axes: Axes, beside: Mapping[str, Any], kinds: Sequence[str]) -> None:
    teachers = sorted(beside["teachers"], key=lambda name: (name != _own(beside), name))
    step = 0.84 / len(teachers)
    places = {"in all": 0.0} | {kind: at + 1.35 for at, kind in enumerate(kinds)}
    for place, name in enumerate(teachers):
        style, found = look(place + 1), beside["teachers"][name]
        for row, rate in {"in all": found["yield"], **found["kinds"]}.items():
            if rate["value"] is None:
                continue
            y, x = places[row] + step * (place - (len(teachers) - 1) / 2), 100 * rate["value"]
            axes.plot([100 * rate["low"], 100 * rate["high"]], [y, y], color=style.colour, linewidth=1.0)
            axes.plot(x, y, marker=style.marker, color=style.colour, markersize=3.6, clip_on=False, zorder=3)
            words = f"{rate['numerator']} of {rate['n']}"
            axes.annotate(words, (103, y), va="center", fontsize=SMALL, color=style.colour, annotation_clip=False)
        axes.plot([], [], marker=style.marker, markersize=3.6, color=style.colour, linewidth=1.0, label=name)
    axes.set(xlim=(0, 100), ylim=(max(places.values()) + 0.6, -0.6), yticks=list(places.values()))
    axes.set_yticklabels([row.replace("_", " ") for row in places])
    axes.axhline(0.68, color="#dcdcdc", linewidth=0.5)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("% kept of the same items, with Wilson 95% intervals")
    where = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.2}
    axes.legend(ncols=len(teachers), frameon=False, fontsize=6, handlelength=2.2, **where)
    thin_grid(axes, "x")


def _named(axes: Axes, rows: Sequence[str]) -> None:
    axes.set(ylim=(len(rows) - 0.4, -0.6), yticks=range(len(rows)))
    axes.set_yticklabels([row.replace("_", " ") for row in rows])


def _headed(axes: Axes, name: str, count: str) -> None:
    """A panel's name, and below it how many it shows; not as a title, whose place would depend on its letters."""
    for text, weight, height in ((name, "bold", 11), (count, "normal", 3)):
        at = {"xy": (0, 1), "xycoords": "axes fraction", "textcoords": "offset points", "annotation_clip": False}
        axes.annotate(text, xytext=(0, height), fontsize=6, fontweight=weight, va="baseline", **at)


def _own(beside: Mapping[str, Any]) -> str:
    """The teacher that wrote the corpus."""
    return str((beside.get("difference") or {}).get("stage", ""))


def _bare(axes: Axes, widest: float) -> None:
    """Bars without an axis below: their numbers stand at them."""
    axes.set(xlim=(0, widest), xticks=[])
    axes.tick_params(axis="y", length=0)
    axes.spines["bottom"].set_visible(False)
    axes.spines["left"].set_color(MUTED)


def _splits(study: StudyReport, described: Mapping[str, Any]) -> list[str]:
    """Those trained on, then those evaluated, then the rest: as the table of splits has them."""
    order = [*dict.fromkeys(stage.split for stage in study.stages), *study.splits, *sorted(described["splits"])]
    return [name for name in dict.fromkeys(order) if name in described["splits"]]


def _counted(described: Mapping[str, Any], block: str) -> list[str]:
    return sorted({name for split in described["splits"].values() for name in split[block]})


def _kinds(described: Mapping[str, Any]) -> list[str]:
    """Kinds, the most frequent first; of many the small ones together, last."""
    total: Counter[str] = Counter()
    for split in described["splits"].values():
        total.update(split["kinds"])
    order = sorted(total, key=lambda kind: (-total[kind], kind))
    if len(order) <= SHOWN + 1:
        return order
    return [*order[:SHOWN], f"{OTHER} ({len(order) - SHOWN})"]


def _count(split: Mapping[str, Any], block: str, row: str, kinds: Sequence[str]) -> int:
    if block == "kinds" and row not in split["kinds"] and row.startswith(f"{OTHER} ("):
        return sum(count for kind, count in split["kinds"].items() if kind not in kinds)
    return int(split[block].get(row, 0))


def _drafted(made: Mapping[str, Any]) -> list[str]:
    return sorted({kind for split in made["splits"].values() for kind in split})


def _reasons(made: Mapping[str, Any]) -> list[str]:
    """Reasons of rejection, the most frequent first."""
    return sorted(made["reasons"], key=lambda reason: (-made["reasons"][reason], reason))

"""The look of every figure, and saving it with the same bytes everywhere."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from primum.files import atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 3.4  # inches: one column of the paper
WIDE = 7.0  # inches: both columns
INK, MUTED, RULE = "#1a1a1a", "#6b6b6b", "#c9c9c9"
PPI = 220


@dataclass(frozen=True, slots=True)
class Look:
    """How one series is drawn: colour, marker and line differ together, so that any one of them suffices."""

    colour: str
    marker: str
    line: Any


# Okabe and Ito's colours, ordered so that neighbours differ in lightness too.
LOOKS = (
    Look("#7f7f7f", "o", (0, (1.2, 1.6))),
    Look("#0072b2", "s", (0, (4.5, 1.6))),
    Look("#d55e00", "D", "-"),
    Look("#009e73", "^", (0, (4.5, 1.4, 1.2, 1.4))),
    Look("#cc79a7", "v", (0, (8, 2))),
    Look("#000000", "P", (0, (2.5, 1.2))),
    Look("#56b4e9", "X", (0, (6, 1.2, 1.2, 1.2, 1.2, 1.2))),
)


def look(place: int) -> Look:
    """The look of the series at ``place``; the base, always first, is grey."""
    return LOOKS[place] if place < len(LOOKS) else LOOKS[1 + (place - 1) % (len(LOOKS) - 1)]


@contextmanager
def canvas(name: str, width: float, height: float) -> Iterator[Figure]:
    """A figure of ``width`` x ``height`` inches in the house style.

    Args:
        name: salts the ids in the SVG, so that they are stable, and differ between figures on one page.
        width, height: inches.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import font_manager
    from matplotlib.figure import Figure

    font_manager.findfont("DejaVu Sans", fallback_to_default=False)
    style = {
        **{"font.family": "DejaVu Sans", "font.size": 7.0, "axes.labelsize": 7.0, "text.color": INK},
        **{"axes.labelcolor": INK, "axes.edgecolor": MUTED, "axes.linewidth": 0.6, "axes.titlesize": 7.5},
        **{
            "axes.titlelocation": "left",
            "axes.titleweight": "bold",
            "axes.spines.top": False,
            "axes.spines.right": False,
        },
        **{"xtick.color": MUTED, "ytick.color": MUTED, "xtick.labelcolor": INK, "ytick.labelcolor": INK},
        **{"xtick.labelsize": 6.5, "ytick.labelsize": 6.5, "xtick.major.width": 0.6, "ytick.major.width": 0.6},
        **{"xtick.major.size": 2.5, "ytick.major.size": 2.5, "lines.linewidth": 1.2, "lines.markersize": 4.0},
        **{"path.simplify": False, "svg.fonttype": "path", "svg.hashsalt": name, "axes.unicode_minus": True},
    }
    with matplotlib.rc_context({**matplotlib.rcParamsDefault, **style}):
        yield Figure(figsize=(width, height), layout="constrained")


def save(figure: Figure, svg: Path, png: Path) -> None:
    """Write both kinds, without dates or versions."""
    for path, kind, metadata in ((svg, "svg", {"Date": None, "Creator": None}), (png, "png", {"Software": None})):
        buffer = io.BytesIO()
        figure.savefig(buffer, format=kind, dpi=PPI, metadata=metadata, facecolor="white")
        with atomic_write(path, "wb") as handle:
            handle.write(buffer.getvalue())


def thin_grid(axes: Axes, axis: str) -> None:
    """Rules for the eye, behind everything."""
    axes.grid(axis=axis, color=RULE, linewidth=0.4, alpha=0.7)
    axes.set_axisbelow(True)


def spread(places: Sequence[float], gap: float) -> list[float]:
    """Move label positions apart until neighbours are at least ``gap`` apart, keeping their order and centre."""
    order = sorted(range(len(places)), key=lambda i: (places[i], i))
    blocks: list[list[float]] = []  # [centre, size] of labels that touch
    for i in order:
        blocks.append([places[i], 1])
        while len(blocks) > 1 and blocks[-1][0] - blocks[-2][0] < gap * (blocks[-1][1] + blocks[-2][1]) / 2:
            (centre_a, size_a), (centre_b, size_b) = blocks[-2:]
            blocks[-2:] = [[(centre_a * size_a + centre_b * size_b) / (size_a + size_b), size_a + size_b]]
    moved = [centre + gap * (k - (size - 1) / 2) for centre, size in blocks for k in range(int(size))]
    return [moved[order.index(i)] for i in range(len(places))]


def below(places: Sequence[float], gap: float, top: float) -> list[float]:
    """Push positions down until none is above ``top``, keeping their order and at least ``gap`` between them."""
    moved, limit = list(places), top
    for i in sorted(range(len(places)), key=lambda i: -places[i]):
        moved[i] = min(places[i], limit)
        limit = moved[i] - gap
    return moved


def end_labels(axes: Axes, labels: Sequence[tuple[float, str, str]], gap: float, top: float = float("inf")) -> None:
    """Name curves at their right ends: ``(y, text, colour)`` each, ``gap`` apart in data units, none above ``top``."""
    places = below(spread([label[0] for label in labels], gap), gap, top)
    for (y, text, colour), place in zip(labels, places, strict=True):
        axes.annotate(
            text,
            xy=(1.0, y),
            xytext=(1.015, place),
            xycoords=("axes fraction", "data"),
            textcoords=("axes fraction", "data"),
            color=colour,
            va="center",
            annotation_clip=False,
        )

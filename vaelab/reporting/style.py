"""How every figure looks, and how it becomes a file: no pyplot, no state left behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, GREY, FAINT = "#333333", "#6b7177", "#b5bac0"
BLUE, ORANGE, GREEN, PURPLE = "#2f6aa8", "#d9772b", "#3f8a58", "#7d5ba6"
DPI = 100
HEADING, MARGIN = 44, 14  # pixels for a heading, and around what is drawn
STYLE: dict[Any, Any] = {
    "font.size": 9.0,
    "axes.titlesize": 9.0,
    "axes.titlelocation": "left",
    "axes.labelsize": 9.0,
    "axes.spines.top": False,
    "axes.edgecolor": INK,
    "axes.linewidth": 0.6,
    "axes.labelcolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e9ebed",
    "grid.linewidth": 0.6,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "text.color": INK,
    "lines.linewidth": 1.3,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "svg.fonttype": "none",
}


@dataclass(frozen=True)
class Heading:
    """Two lines above a figure: what it shows, and of which run, epoch and estimator."""

    what: str
    about: str


@contextmanager
def figure(path: Path, size: tuple[float, float], heading: Heading) -> Iterator[Figure]:
    """An empty figure of `size` inches in our style; saved to `path` at the end."""
    with matplotlib.rc_context(STYLE):
        drawn = Figure(figsize=size, dpi=DPI, layout="constrained")
        room = HEADING / DPI / size[1]
        drawn.get_layout_engine().set(rect=(0, 0, 1, 1 - room))  # pyright: ignore
        write(drawn, heading)
        yield drawn
        path.parent.mkdir(parents=True, exist_ok=True)
        drawn.savefig(path, dpi=1.5 * DPI, facecolor="white")


def write(drawn: Figure, heading: Heading) -> None:
    """The heading's two lines at the top left."""
    width, height = drawn.get_size_inches() * DPI
    left, first, second = MARGIN / width, 1 - 10 / height, 1 - 29 / height
    drawn.text(left, first, heading.what, va="top", fontsize=10)
    drawn.text(left, second, heading.about, va="top", fontsize=7.5, color=GREY)


def plain(axes: Axes) -> Axes:
    """Without the right spine, for axes that have no second scale."""
    axes.spines["right"].set_visible(False)
    return axes

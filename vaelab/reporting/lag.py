"""The space of posterior means, the true posterior's across and the encoder's up; animated too."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from jaxtyping import Float
from matplotlib.animation import PillowWriter
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy import ndarray

from vaelab.reporting.style import DPI, FAINT, GREY, STYLE, Heading, figure, write

SIDE = 2.3  # inches of a panel
RED = "#c0392b"
LEAST = 0.05  # half the side of axes at least: before training all means are 0 but for rounding


@dataclass(frozen=True)
class Panel:
    """One record.

    Attributes:
        update: decoder updates before it.
        model: true posterior means.
        encoder: means of q.
        text: in a corner.
    """

    update: int
    model: Float[ndarray, "N"]
    encoder: Float[ndarray, "N"]
    text: str


def draw(rows: Mapping[str, Sequence[Panel]], path: Path, heading: Heading) -> Path:
    """A row a run, a column a record; all axes of a row are the same."""
    columns = max(map(len, rows.values()))
    with figure(path, (SIDE * columns + 0.5, SIDE * len(rows) + 0.8), heading) as drawn:
        drawn.get_layout_engine().set(h_pad=0.1)  # pyright: ignore
        grid = drawn.subplots(len(rows), columns, squeeze=False)
        for line, (label, panels) in zip(grid, rows.items(), strict=True):
            side = reach(panels)
            for axes, one in zip(line, panels, strict=False):
                _cross(plane(axes, side), one)
                axes.set_title(f"update {one.update:,}")
                axes.text(0.03, 0.97, one.text, transform=axes.transAxes, va="top", fontsize=7)
            for axes in line[len(panels) :]:
                axes.set_visible(False)
            line[0].set_ylabel(f"{label}\nmean of q(z|x)")
        for axes in grid[-1]:
            axes.set_xlabel("mean of p(z|x)")
    return path


def animate(
    runs: Mapping[str, Sequence[Panel]],
    updates: Sequence[int],
    frames: float,
    path: Path,
    heading: Heading,
    advance: Callable[[int], None],
) -> Path:
    """Runs side by side, a frame an update; a run stays at its latest record until the next.

    Args:
        runs: every record of each.
        updates: ascending.
        frames: a second.
        path: of the GIF.
        heading: above it.
        advance: told of each frame.
    """
    writer = PillowWriter(fps=frames)  # pyright: ignore[reportArgumentType]
    with matplotlib.rc_context(STYLE):
        size = (max(5.0, 3.2 * len(runs) + 0.4), 4.2)
        drawn = Figure(figsize=size, dpi=DPI, layout="constrained", facecolor="white")
        drawn.get_layout_engine().set(rect=(0, 0, 1, 0.9))  # pyright: ignore
        write(drawn, heading)
        line = drawn.subplots(1, len(runs), squeeze=False)[0]
        points = []
        for axes, (label, panels) in zip(line, runs.items(), strict=True):
            points.append(_cross(plane(axes, reach(panels)), panels[0]))
            axes.set_title("update")  # room for those of the frames
            axes.set_ylabel(f"{label}\nmean of q(z|x)")
            axes.set_xlabel("mean of p(z|x)")
        drawn.draw_without_rendering()
        drawn.set_layout_engine("none")  # nothing moves but the points
        with writer.saving(drawn, str(path), DPI):
            for update in updates:
                for axes, crosses, panels in zip(line, points, runs.values(), strict=True):
                    one = latest(panels, update)
                    crosses.set_data(one.model, one.encoder)
                    axes.set_title(f"update {one.update:,}   {one.text}")
                writer.grab_frame()
                advance(1)
    return path


def latest(panels: Sequence[Panel], update: int) -> Panel:
    """The last that is not after an update, or the first."""
    return next((one for one in reversed(panels) if one.update <= update), panels[0])


def reach(panels: Sequence[Panel]) -> float:
    """Half the side of a square around 0 that holds all points."""
    values = [np.abs(one.model).max() for one in panels]
    values += [np.abs(one.encoder).max() for one in panels]
    return max(LEAST, 1.08 * float(max(values)))


def plane(axes: Axes, side: float) -> Axes:
    """Square axes around 0, with lines at 0 and the dashed diagonal."""
    axes.set_xlim(-side, side)
    axes.set_ylim(-side, side)
    axes.set_aspect("equal")
    axes.grid(visible=False)
    axes.axhline(0, color=FAINT, linewidth=0.7)
    axes.axvline(0, color=FAINT, linewidth=0.7)
    axes.axline((0, 0), slope=1, color=GREY, linewidth=0.8, linestyle="--")
    return axes


def _cross(axes: Axes, panel: Panel) -> Line2D:
    style = {"linestyle": "none", "marker": "x", "markersize": 3, "markeredgewidth": 0.6}
    return axes.plot(panel.model, panel.encoder, color=RED, **style)[0]

"""Two-dimensional densities side by side: as maps, as draws, and as what z is decoded to."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from numpy import ndarray

from vaelab.reporting.style import BLUE, FAINT, ORANGE, Heading, figure, plain

SIDE, WIDTH = 2.0, 7.4  # inches of a panel and of a picture, at least
DEPTH = 10.0  # nats below the highest density that are told apart
COLOURS = "plasma"  # of z along a curve


@dataclass(frozen=True)
class Curve:
    """A line of the latent, decoded.

    Attributes:
        x: points on it, in order.
        z: at each of them, what its colour says.
    """

    x: Float[ndarray, "L 2"]
    z: Float[ndarray, "L"]


@dataclass(frozen=True)
class Column:
    """One model; or the data and, where it is known, what they are drawn from.

    Attributes:
        title: in a few lines.
        log_px: at the middles of the picture's cells, dimension 0 first; None: not known.
        points: drawn from it.
        curves: of its latent; none where it is not known.
        learned: whether it is a model of the data.
    """

    title: str
    log_px: Float[ndarray, "P P"] | None
    points: Float[ndarray, "S 2"]
    curves: Sequence[Curve]
    learned: bool


def draw(
    columns: Sequence[Column],
    box: tuple[float, float, float, float],
    data: Float[ndarray, "N 2"],
    path: Path,
    heading: Heading,
) -> Path:
    """Rows: log-density with one scale of colours for all, draws, curves over the data.

    Args:
        columns: from left to right.
        box: left, right, bottom and top of every panel.
        data: that curves are drawn over.
        path: of the picture.
        heading: above it.
    """
    side = max(SIDE, (WIDTH - 1.3) / len(columns))
    with figure(path, (side * len(columns) + 1.3, 3 * side + 1.2), heading) as drawn:
        grid = drawn.subplots(3, len(columns), squeeze=False, sharex=True, sharey=True)
        for axes in grid.flat:
            plain(axes).grid(visible=False)
            axes.set_aspect("equal")
            axes.set(xlim=box[:2], ylim=box[2:])
            axes.tick_params(labelsize=6, length=2)
            axes.locator_params(nbins=5)
        maps = [one.log_px for one in columns if one.log_px is not None]
        highest = max(float(one.max()) for one in maps)
        for (density, points, curves), one in zip(grid.T, columns, strict=True):
            density.set_title(one.title, fontsize=8)
            if one.log_px is not None:
                # Rows of an image go up and are the second dimension.
                style = {"origin": "lower", "extent": box, "cmap": "Blues"}
                scale = {"vmin": highest - DEPTH, "vmax": highest}
                shown = density.imshow(one.log_px.T, **style, **scale)
            else:
                density.text(0.5, 0.5, "not known", ha="center", transform=density.transAxes)
            colour = ORANGE if one.learned else BLUE
            points.scatter(*one.points.T, s=2.5, color=colour, alpha=0.5, linewidths=0)
            what = "samples" if one.learned else "test examples"
            points.set_title(f"{len(one.points)} {what}", fontsize=8)
            curves.scatter(*data.T, s=2, color=FAINT, linewidths=0)
            lines = _curves(curves, one.curves)
        for line, what, name in ((grid[0], shown, "log p(x), nats"), (grid[2], lines, "z")):
            # Inside the last panel's own axes, so that all rows keep one width.
            place = line[-1].inset_axes((1.06, 0, 0.05, 1))
            bar = drawn.colorbar(what, cax=place, extend="min" if what is shown else "neither")
            bar.set_label(name, fontsize=8)
            place.tick_params(labelsize=6, length=2)
        for axes, name in zip(grid[:, 0], ("log p(x)", "draws", "decoded z"), strict=True):
            axes.set_ylabel(name)
    return path


def _curves(axes: Axes, curves: Sequence[Curve]) -> LineCollection:
    """As pieces of one colour each."""
    pieces = [np.stack([one.x[:-1], one.x[1:]], 1) for one in curves]
    middles = [(one.z[:-1] + one.z[1:]) / 2 for one in curves]
    lines = LineCollection(
        [*np.concatenate(pieces)] if pieces else [], cmap=COLOURS, linewidths=1.2
    )
    lines.set_array(np.concatenate(middles) if middles else np.empty(0))
    axes.add_collection(lines, autolim=False)
    return lines

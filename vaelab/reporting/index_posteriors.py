"""Posteriors over codes: weights of known codes over a density of z; a column an example."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy import ndarray

from vaelab.reporting.style import BLUE, FAINT, INK, ORANGE, Heading, figure, plain

WIDTH, HEIGHT = 2.4, 1.9  # inches of a panel
BINS = (24, 90)  # of a histogram: as many as leave each PER_BIN codes
PER_BIN = 10
HIGHEST = 3.0  # times the histogram's: above, a density is cut off


@dataclass(frozen=True)
class Placed:
    """One example's index posterior on codes, and a density of z.

    Attributes:
        axes: places along each dimension of z, one or two.
        density: there, dimension 0 first.
        noisier: another density, dashed; None: there is none.
        codes: of all indices.
        weights: of the indices; their sum is 1.
    """

    axes: tuple[Float[ndarray, "G"], ...]
    density: Float[ndarray, "*G"]
    noisier: Float[ndarray, "*G"] | None
    codes: Float[ndarray, "N d"]
    weights: Float[ndarray, "N"]


@dataclass(frozen=True)
class Column:
    """One example.

    Attributes:
        title: which, and numbers.
        x: itself.
        true: on the true codes.
        learned: on those of the learned model.
    """

    title: str
    x: Float[ndarray, "D"]
    true: Placed
    learned: Placed


def draw(
    data: Float[ndarray, "N D"], columns: Sequence[Column], path: Path, heading: Heading
) -> Path:
    """Rows: the example among the data, the true model's z, the learned model's z."""
    with figure(path, (WIDTH * len(columns) + 0.5, 3 * HEIGHT + 1.1), heading) as drawn:
        grid = drawn.subplots(3, len(columns), squeeze=False)
        for line, one in zip(grid.T, columns, strict=True):
            _data(plain(line[0]), data, one)
            line[0].set_title(one.title, fontsize=8)
            for axes, placed, name in (
                (line[1], one.true, "true"),
                (line[2], one.learned, "learned"),
            ):
                (_line if len(placed.axes) == 1 else _plane)(plain(axes), placed)
                axes.set_xlabel(f"z of the {name} model", fontsize=8)
        for axes in grid.flat:
            axes.tick_params(labelsize=6, length=2)
            axes.grid(visible=False)
            axes.locator_params(nbins=5)
        names = ("data", "true model", "learned model")
        for axes, name in zip(grid[:, 0], names, strict=True):
            axes.set_ylabel(name)
        handles: list[Line2D | Patch] = [
            Patch(color=ORANGE, alpha=0.6, label="index posterior q on the codes"),
            Patch(color=BLUE, label="p(z|x) of the model"),
        ]
        if any(one.true.noisier is not None for one in columns):
            label = "p(z|x) of the true model with noise $s^2 + h^2$"
            handles.append(Line2D([], [], color=INK, linewidth=0.9, linestyle="--", label=label))
        drawn.legend(handles=handles, loc="outside lower left", ncols=3)
    return path


def _data(axes: Axes, data: Float[ndarray, "N D"], column: Column) -> None:
    """Those with weight in orange; of one dimension, a histogram."""
    if data.shape[1] == 1:
        axes.hist(data[:, 0], bins=40, color=FAINT)
        axes.axvline(column.x[0], color=INK, linewidth=1.0)
        return
    share = column.true.weights / column.true.weights.max()
    axes.scatter(*data[:, :2].T, s=2, color=FAINT, linewidths=0)
    axes.scatter(*data[:, :2].T, s=9 * share, color=ORANGE, linewidths=0)
    axes.plot(*column.x[:2], "+", color=INK, markersize=9, markeredgewidth=1.4)
    axes.set_aspect("equal", adjustable="datalim")


def _line(axes: Axes, placed: Placed) -> None:
    (z,) = placed.axes
    inside = (placed.codes[:, 0] >= z[0]) & (placed.codes[:, 0] <= z[-1])
    bins = int(np.clip(inside.sum() / PER_BIN, *BINS))
    masses, edges = np.histogram(placed.codes[:, 0], bins, (z[0], z[-1]), weights=placed.weights)
    heights = masses / np.diff(edges)
    axes.stairs(heights, edges, fill=True, color=ORANGE, alpha=0.6)
    axes.plot(z, placed.density, color=BLUE, linewidth=1.1)
    if placed.noisier is not None:
        axes.plot(z, placed.noisier, color=INK, linewidth=0.9, linestyle="--")
    axes.set_xlim(z[0], z[-1])
    # A density that is far narrower than q would leave nothing of q to see.
    highest = max(heights.max(), min(placed.density.max(), HIGHEST * heights.max()))
    axes.set_ylim(0, 1.05 * highest)
    axes.set_yticks([])


def _plane(axes: Axes, placed: Placed) -> None:
    first, second = placed.axes
    # Rows of a mesh go up and are the second dimension.
    axes.pcolormesh(first, second, placed.density.T, cmap="Blues", shading="nearest")
    share = placed.weights / placed.weights.max()
    axes.scatter(*placed.codes.T, s=20 * share, color=ORANGE, linewidths=0, alpha=0.7)
    axes.set_xlim(first[0], first[-1])
    axes.set_ylim(second[0], second[-1])

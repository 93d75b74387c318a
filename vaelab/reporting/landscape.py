"""A surface over two means as contours, with the paths that several runs take over it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Float
from numpy import ndarray

from vaelab.reporting.style import FAINT, GREEN, INK, ORANGE, PURPLE, Heading, figure

ABOVE = (0.0, 0.05, 0.2, 0.5, 1, 2, 3, 5, 8, 12, 20, 40, 80, 160)  # nats over the lowest: contours
COLOURS = (INK, ORANGE, GREEN, PURPLE)


@dataclass(frozen=True)
class Picture:
    """What is drawn.

    Attributes:
        first: of the horizontal axis.
        second: of the vertical axis.
        surface: dimension 0 first, nats.
        paths: points of each run, [S, 2], by what the legend says of it; one alone is a mark.
        best: the surface's lowest point.
        lowest: its height.
        floor: -log p(x), below which no posterior goes.
    """

    first: Float[ndarray, "M"]
    second: Float[ndarray, "P"]
    surface: Float[ndarray, "M P"]
    paths: Mapping[str, Float[ndarray, "S 2"]]
    best: Float[ndarray, "2"]
    lowest: float
    floor: float


def draw(picture: Picture, path: Path, heading: Heading) -> Path:
    """Both axes have one scale."""
    levels = [picture.lowest + above for above in ABOVE]
    levels = [one for one in levels if one < picture.surface.max()] + [picture.surface.max()]
    with figure(path, (5.4, 5.6 + 0.2 * len(picture.paths)), heading) as drawn:
        axes = drawn.subplots()
        # Rows of a contour plot go up and are the second dimension.
        grid = (picture.first, picture.second, picture.surface.T)
        colours = {"cmap": "Blues_r", "vmin": levels[0], "vmax": levels[0] + 12}
        axes.contourf(*grid, levels=levels, **colours, extend="min")
        lines = axes.contour(*grid, levels=levels[1:-1], colors=FAINT, linewidths=0.5)
        axes.clabel(lines, levels[4:-1], fontsize=6, fmt="%.1f", colors=INK)  # paths end below
        for number, (label, points) in enumerate(picture.paths.items()):
            colour = COLOURS[number % len(COLOURS)]
            if len(points) > 1:
                axes.plot(*points.T, "-o", color=colour, markersize=2.2, linewidth=0.9, zorder=3)
                axes.plot(*points[0], "o", color=colour, markersize=6, mfc="white", zorder=4)
            axes.plot(*points[-1], "s", color=colour, markersize=6, zorder=5, label=label)
        said = f"optimum: {picture.lowest:.2f} (-log p(x): {picture.floor:.2f})"
        axes.plot(*picture.best, "*", color=INK, mfc="white", markersize=11, zorder=6, label=said)
        axes.set_aspect("equal")
        axes.set_xlim(picture.first[0], picture.first[-1])
        axes.set_ylim(picture.second[0], picture.second[-1])
        axes.grid(visible=False)
        axes.set_xlabel("mean of q, dimension 1")
        axes.set_ylabel("mean of q, dimension 2")
        title = "-ELBO where it ends, with its own log-variances (rings: where steps begin)"
        drawn.legend(loc="outside lower left", title=title, title_fontsize=8, alignment="left")
    return path

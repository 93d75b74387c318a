"""Paths in the space of posterior means, some of their points joined by arrows."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from vaelab.reporting.lag import plane
from vaelab.reporting.style import BLUE, FAINT, ORANGE, Heading, figure

LEAST = 0.005  # half the side of axes at least


@dataclass(frozen=True)
class Trajectory:
    """A path and which of its points are joined.

    Attributes:
        path: (model, encoder) means.
        shown: of the points.
    """

    path: Float[ndarray, "P 2"]
    shown: slice


def draw(runs: Mapping[str, Trajectory], path: Path, heading: Heading) -> Path:
    """A row a run: the whole path on the left, with the shown part in it; that part on the right.

    Axes of both are square; those on the left hold 0.
    """
    with figure(path, (8.0, 3.7 * len(runs) + 0.4), heading) as drawn:
        grid = drawn.subplots(len(runs), 2, squeeze=False)
        for (whole, part), (label, one) in zip(grid, runs.items(), strict=True):
            side = max(LEAST, 1.08 * float(np.abs(one.path).max()))
            for axes in (whole, part):
                plane(axes, side)
                axes.plot(*one.path.T, color=FAINT, linewidth=0.8, zorder=1)
                axes.plot(*one.path.T, ".", color=FAINT, markersize=2, zorder=1)
            shown = one.path[one.shown]
            whole.plot(*shown.T, color=BLUE, linewidth=1.2)
            whole.set_title(f"all {len(one.path):,} points")
            middle = (shown.max(0) + shown.min(0)) / 2
            # Each direction has a scale of its own: a lagging encoder hardly moves.
            half = np.maximum(0.62 * (shown.max(0) - shown.min(0)), 1e-3 * side)
            part.set_aspect("auto")
            part.set_xlim(middle[0] - half[0], middle[0] + half[0])
            part.set_ylim(middle[1] - half[1], middle[1] + half[1])
            for start, end in pairwise(shown):
                style = {"arrowstyle": "-|>", "color": BLUE, "shrinkA": 0, "shrinkB": 0}
                part.annotate("", end, start, arrowprops=style | {"linewidth": 1.0})
            part.plot(*shown[0], "o", color=ORANGE, markersize=4)
            part.set_title(f"points {one.shown.start} to {one.shown.stop - 1}")
            whole.set_ylabel(f"{label}\nmean of q(z|x)")
            for axes in (whole, part):
                axes.set_xlabel("mean of p(z|x)")
    return path

"""True posteriors over two latent dimensions as heat, with ellipses of q; a row for each run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.patches import Ellipse
from numpy.typing import NDArray
from torch import Tensor

from vaelab.reporting.style import ORANGE, Heading, figure

SIDE = 1.5  # inches of a panel
LABEL = 24  # letters of a row's label in one line


@dataclass(frozen=True)
class Panel:
    """One posterior.

    Attributes:
        density: [P, P], dimension 0 first.
        box: left, right, bottom, top.
        mean: of q.
        spread: standard deviations of q.
        text: in a corner.
    """

    density: NDArray[np.floating]
    box: tuple[float, float, float, float]
    mean: tuple[float, ...]
    spread: tuple[float, ...]
    text: str


def posteriors(
    rows: Mapping[str, Sequence[Panel]],
    images: Float[Tensor, "N C H W"] | None,
    path: Path,
    heading: Heading,
) -> Path:
    """A column an example, its image on top where it is one; each panel has its own window."""
    columns = max(len(panels) for panels in rows.values())
    above = images is not None
    size = (SIDE * columns + 0.8, SIDE * (len(rows) + above) + 0.7)
    with figure(path, size, heading) as drawn:
        grid = drawn.subplots(len(rows) + above, columns, squeeze=False)
        if images is not None:
            for axes, image in zip(grid[0], images, strict=False):
                axes.imshow(image.mean(0).numpy(), cmap="gray_r", vmin=0, vmax=1)
                axes.set_axis_off()
        for line, (label, panels) in zip(grid[int(above) :], rows.items(), strict=True):
            line[0].set_ylabel(label.replace(", ", "\n") if len(label) > LABEL else label)
            for axes, one in zip(line, panels, strict=True):
                _panel(axes, one)
    return path


def _panel(axes: Axes, panel: Panel) -> None:
    # Rows of an image go up and are the second dimension.
    axes.imshow(panel.density.T, origin="lower", extent=panel.box, cmap="Blues", aspect="auto")
    for deviations in (1, 2):
        width, height = (2 * deviations * spread for spread in panel.spread)
        style = {"fill": False, "edgecolor": ORANGE, "linewidth": 0.9}
        axes.add_patch(Ellipse((panel.mean[0], panel.mean[1]), width, height, **style))
    axes.set_xlim(panel.box[:2])
    axes.set_ylim(panel.box[2:])
    axes.grid(visible=False)
    axes.tick_params(labelsize=6, length=2)
    axes.text(0.04, 0.95, panel.text, transform=axes.transAxes, va="top", fontsize=7)

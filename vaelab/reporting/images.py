"""Pictures of images: grids of samples, reconstructions and pseudo-inputs."""

import math
from pathlib import Path

import matplotlib
import torch
import torch.nn.functional as F
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from vaelab.reporting.style import DPI, HEADING, INK, MARGIN, STYLE, Heading, write

PANEL = 520  # pixels a grid fills at least, so that 8x8 digits can be seen
LINE = 22  # pixels for the name of a grid


def tile(
    images: Float[Tensor, "N C H W"], columns: int, gap: int = 1
) -> Float[Tensor, "rows cols C"]:
    """Images in rows of `columns`, white lines of `gap` pixels between them.

    torchvision has this, and takes seconds to import.
    """
    columns = min(columns, len(images))
    images = F.pad(images, (0, gap, 0, gap), value=1.0)
    missing = -len(images) % columns
    images = torch.cat([images, images.new_ones(missing, *images.shape[1:])])
    grid = images.unflatten(0, (-1, columns)).permute(0, 3, 1, 4, 2).flatten(2, 3).flatten(0, 1)
    return grid[: grid.shape[0] - gap, : grid.shape[1] - gap]


def image_grid(panels: dict[str, Tensor], path: Path, heading: Heading) -> Path:
    """Grids side by side, each [rows, cols, C] under its name, every pixel a whole square."""
    scale = max(1, math.ceil(PANEL / max(grid.shape[0] for grid in panels.values())))
    widths = [scale * grid.shape[1] for grid in panels.values()]
    height = scale * max(grid.shape[0] for grid in panels.values())
    total = sum(widths) + MARGIN * (len(panels) + 1), height + HEADING + LINE + MARGIN
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(total[0] / DPI, total[1] / DPI), dpi=DPI)
        write(figure, heading)
        left = MARGIN
        for (name, grid), width in zip(panels.items(), widths, strict=True):
            rows = scale * grid.shape[0]
            bottom = MARGIN + height - rows
            box = (left / total[0], bottom / total[1], width / total[0], rows / total[1])
            axes = figure.add_axes(box)
            axes.set_axis_off()
            pixels = grid.expand(-1, -1, 3).clamp(0, 1).cpu().numpy()
            axes.imshow(pixels, interpolation="nearest", aspect="auto")
            axes.set_title(name, fontsize=8.5, color=INK, pad=4)
            left += width + MARGIN
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=DPI, facecolor="white")
    return path


def columns_for(count: int, cap: int = 12) -> int:
    """Columns of a grid of `count` images that is about square."""
    return max(1, min(cap, math.ceil(math.sqrt(count))))


def samples(mean: Tensor | None, x: Tensor, path: Path, heading: Heading) -> Path:
    """Draws from the model: E[x|z], where there is one, beside draws from p(x|z) of the same z."""
    columns = columns_for(len(x))
    panels = {} if mean is None else {"mean of p(x|z)": tile(mean, columns)}
    return image_grid(panels | {"draw from p(x|z)": tile(x, columns)}, path, heading)


def reconstructions(x: Tensor, again: Tensor, path: Path, heading: Heading) -> Path:
    """Pairs, the original on the left of its reconstruction."""
    pairs = torch.cat([F.pad(x, (0, 1), value=1.0), again], dim=-1)
    name = "pairs: original | reconstruction"
    return image_grid({name: tile(pairs, columns_for(len(x), 6), gap=3)}, path, heading)


def pseudo_inputs(u: Tensor, path: Path, heading: Heading) -> Path:
    """What a VampPrior's components are made of."""
    return image_grid({"": tile(u, columns_for(len(u)))}, path, heading)


def components(
    u: Float[Tensor, "N C H W"], x: Float[Tensor, "N M C H W"], path: Path, heading: Heading
) -> Path:
    """A row a component: its pseudo-input, then M images drawn from it."""
    drawn = tile(x.flatten(0, 1), x.shape[1], gap=3)
    panels = {"": tile(u, 1, gap=3), "left the pseudo-input, here images of its component": drawn}
    return image_grid(panels, path, heading)

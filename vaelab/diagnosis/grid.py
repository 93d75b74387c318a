"""A true posterior p(z|x) over two latent dimensions, by summing p(x, z) over a grid."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.distribution import DiagonalGaussian

DEPTH = 12.0  # nats below its peak at which a density counts as gone: e^-12 is 6e-6
REACH = 4.0  # standard deviations of q that a window must hold
PASSES = 3  # grids, each closer around what the one before has found

LogJoint = Callable[[Float[Tensor, "N 2"]], Float[Tensor, "N"]]


@dataclass(frozen=True)
class Window:
    """A rectangle cut into points x points cells; densities are taken at their middles."""

    low: Float[Tensor, "2"]
    high: Float[Tensor, "2"]
    points: int

    @property
    def step(self) -> Float[Tensor, "2"]:
        """Width and height of a cell."""
        return (self.high - self.low) / self.points

    def middles(self) -> Float[Tensor, "N 2"]:
        """Of all cells, the first dimension changing slowest."""
        places = torch.arange(self.points, dtype=self.low.dtype, device=self.low.device) + 0.5
        axes = self.low + places[:, None] * self.step
        return torch.cartesian_prod(axes[:, 0], axes[:, 1])

    def around(self, low: Tensor, high: Tensor) -> "Window":
        """The smallest that holds this one and another rectangle."""
        return Window(torch.minimum(self.low, low), torch.maximum(self.high, high), self.points)


@dataclass(frozen=True)
class OnGrid:
    """A true posterior in its window, beside q(z|x).

    Attributes:
        log_density: log p(z|x) at the middles of the cells, [points, points], dimension 0 first.
        log_px: of the sum over the window.
        kl: KL(q || p) in nats, q taken over the window too.
        edge: mass of p in the outermost cells; what it lacks if the window cuts it off.
        steps: a cell's size in standard deviations of q, the larger of the two dimensions.
        cells: that p fills along a dimension, the smaller of the two: 1 / sum of squared masses,
            3.5 standard deviations of a Gaussian.
    """

    window: Window
    log_density: Float[Tensor, "P P"]
    log_px: float
    kl: float
    edge: float
    steps: float
    cells: float


@torch.no_grad()
def on_grid(
    log_joint: LogJoint, q: DiagonalGaussian, extent: float, points: int, rows: int
) -> OnGrid:
    """Find where p(x, z) lies, and sum it there.

    Args:
        log_joint: log p(x, z) of one x, for rows of z.
        q: of this x; batch axes empty, two dimensions.
        extent: half the side of the first window, around 0.
        points: cells along a side.
        rows: points of a grid at a time.
    """
    mean, spread = q.mean.double(), (0.5 * q.log_var).exp().double()
    reach = mean - REACH * spread, mean + REACH * spread
    corner = torch.full_like(mean, extent)
    window = Window(-corner, corner, points).around(*reach)

    def evaluated(window: Window) -> Tensor:
        parts = window.middles().to(q.mean.dtype).split(rows)
        together = torch.cat([log_joint(part).double() for part in parts])
        return together.unflatten(0, (points, points))

    values = evaluated(window)
    for _ in range(1, PASSES):
        window = closer(window, values).around(*reach)
        values = evaluated(window)
    log_area = float(window.step.log().sum())
    log_px = float(values.flatten().logsumexp(0)) + log_area
    log_density = values - log_px
    log_q = DiagonalGaussian(mean, 2 * spread.log()).log_prob(window.middles())
    log_q = log_q.unflatten(0, (points, points))
    weights = log_q.flatten().softmax(0).view_as(log_q)
    mass = (log_density + log_area).exp()
    return OnGrid(
        window=window,
        log_density=log_density,
        log_px=log_px,
        kl=float((weights * (log_q - log_density)).sum()),
        edge=float(mass.sum() - mass[1:-1, 1:-1].sum()),
        steps=float((window.step / spread).max()),
        cells=min(float(1 / mass.sum(axis).square().sum()) for axis in (0, 1)),
    )


def closer(window: Window, values: Float[Tensor, "P P"]) -> Window:
    """Around all cells that are not gone, and one more on every side."""
    there = values > values.max() - DEPTH
    low, high = [], []
    for axis in (0, 1):
        cells = there.any(1 - axis).nonzero().flatten()
        low.append(cells[0] - 1)
        high.append(cells[-1] + 2)
    step = window.step
    return Window(
        window.low + torch.stack(low) * step, window.low + torch.stack(high) * step, window.points
    )


def resolved(found: OnGrid) -> bool:
    """Whether the cells are small enough: half a standard deviation of q, one of p."""
    return found.steps <= 0.5 and found.cells >= 3.5 and math.isfinite(found.kl)

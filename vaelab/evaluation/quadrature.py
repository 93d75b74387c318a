"""log p(x) by the trapezoidal rule over one or two latent dimensions: no proposal, no noise.

The points are the same for every x: the decoder is run on them alone, and each example meets all.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.architecture.base import Decoder
from vaelab.distribution import LatentPrior
from vaelab.evaluation.streaming import LogSumExp

EDGE = 6.5  # of the grid, in every dimension: N(0, 1) has 8e-11 of its mass beyond
POINTS = {1: 4001, 2: 161}  # a side, by latent dimension
DOUBLINGS = {1: 4, 2: 2}  # at most: 64,001 points, and 641 x 641
SETTLED = 1e-3  # nats that the mean may have moved by in the last doubling
MISSING = 1e-6  # mass of the prior that the grid may miss
PAIRS = 1 << 20  # points x examples whose log p(x|z) are at hand at once


@dataclass(frozen=True)
class Grid:
    """Equidistant points of [-6.5, 6.5]^dim, `intervals` + 1 a side.

    Of intervals twice as many, every second point is one of this grid: only the others are new.
    """

    dim: int
    intervals: int

    @property
    def step(self) -> float:
        """Between neighbours."""
        return 2 * EDGE / self.intervals

    @property
    def log_cell(self) -> float:
        """The log of the volume that a point inside stands for."""
        return self.dim * math.log(self.step)

    @property
    def words(self) -> str:
        """How many points."""
        return f"{' x '.join([str(self.intervals + 1)] * self.dim)} points"

    def doubled(self, times: int) -> "Grid":
        """With 2^times as many intervals."""
        return Grid(self.dim, self.intervals * 2**times)

    def points(
        self, device: torch.device, new: bool
    ) -> tuple[Float[Tensor, "G D"], Float[Tensor, "G"]]:
        """Points, and the log of the share of a cell that each stands for: 1/2 for each edge.

        Args:
            device: of both; float64.
            new: without those of the grid with half the intervals.
        """
        side = torch.arange(self.intervals + 1, device=device)
        index = torch.cartesian_prod(*[side] * self.dim).reshape(-1, self.dim)
        if new:
            index = index[(index % 2 == 1).any(-1)]
        edges = ((index == 0) | (index == self.intervals)).sum(-1)
        return index.double() * self.step - EDGE, -math.log(2) * edges.double()


@dataclass(frozen=True)
class Integral:
    """What a grid gave.

    Attributes:
        log_px: log p(x) of each example, nats, float64.
        grid: the last one.
        moved: by how much the mean differs from that of the grid with half the intervals, nats.
    """

    log_px: Float[Tensor, "N"]
    grid: Grid
    moved: float

    @property
    def settled(self) -> bool:
        """Whether that is little enough."""
        return self.moved < SETTLED


def holding(prior: LatentPrior, grid: Grid, device: torch.device) -> int | None:
    """Doublings after which the grid's sum of p(z) is 1; None: it has mass elsewhere, or peaks."""
    mass = LogSumExp()
    for times in range(DOUBLINGS[grid.dim] + 1):
        finer = grid.doubled(times)
        for z, share in _pieces(finer, device, times > 0, PAIRS // 256):
            mass.add((prior.log_prob(z) + share)[:, None])
        missing = float(mass.total.add(finer.log_cell).expm1())
        if abs(missing) <= MISSING:
            return times
    return None


@torch.no_grad()
def integrate(
    decoder: Decoder, prior: LatentPrior, x: Tensor, grid: Grid, first: int, last: int, rows: int
) -> Integral:
    """Double the grid until the mean of log p(x) settles.

    Args:
        decoder: in evaluation mode, of one latent level, not autoregressive.
        prior: p(z), `.double()`.
        x: all examples, whose mean decides.
        grid: of an even number of intervals.
        first: doublings that are made in any case.
        last: doublings at most; what has not settled then is returned as it is.
        rows: points in one pass of the decoder, or fewer where examples are large.
    """
    rows = max(1, min(rows, densities(x) // x[0].numel()))
    total = LogSumExp()
    # Half the intervals first: every point counts in what follows, and says how far it moved.
    now = start = Grid(grid.dim, grid.doubled(first).intervals // 2)
    before: Tensor | None = None
    moved = math.inf
    for times in range(last - first + 2):
        now = start.doubled(times)
        for z, share in _pieces(now, x.device, times > 0, rows):
            total.add(log_joint(decoder, prior, x, z, share)[None])
        mean = total.total.mean() + now.log_cell
        if before is not None and (moved := float((mean - before).abs())) < SETTLED:
            break
        before = mean
    return Integral(total.total + now.log_cell, now, moved)


def log_joint(
    decoder: Decoder,
    prior: LatentPrior,
    x: Tensor,
    z: Float[Tensor, "G D"],
    share: Float[Tensor, "G"],
) -> Float[Tensor, "N"]:
    """The log of sum_g exp(share_g) p(z_g) p(x_n|z_g) for each example; float64, in one pass."""
    kind = next((one.dtype for one in decoder.parameters()), x.dtype)
    # As samples of one example, which every observation model takes; and of many such examples.
    observation = decoder((z[:, None].to(kind),))
    together = max(1, densities(x) // (len(z) * x[0].numel()))
    log_px = torch.vmap(lambda one: observation.log_prob(one[None]), chunk_size=together)
    weight = prior.log_prob(z) + share
    sums = [
        log_px(some)[..., 0].double().add_(weight).logsumexp(1)
        for some in x.split(max(1, PAIRS // len(z)))
    ]
    return torch.cat(sums)


def densities(x: Tensor) -> int:
    """Points x elements of examples to have at hand at once: as many as a CPU's cache holds."""
    return 1 << 17 if x.device.type == "cpu" else 1 << 24


def _pieces(
    grid: Grid, device: torch.device, new: bool, rows: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Points and shares, some at a time."""
    z, share = grid.points(device, new)
    return zip(z.split(rows), share.split(rows), strict=True)

"""The mean of the true posterior p(z|x) of one latent dimension, summed on a grid.

Lagging Inference Networks and Posterior Collapse in VAEs (He et al., 2019), 1901.05534, figure 2.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

DEPTH = 20.0  # nats below its peak at which a density counts as gone: e^-20 is 2e-9

LogJoint = Callable[[Float[Tensor, "K B"]], Float[Tensor, "K B"]]


def grid_mean(
    log_joint: LogJoint, grid: Float[Tensor, "G"], coarse: int, batch: int
) -> Float[Tensor, "B"]:
    """E[z] under weights proportional to p(x, z) at the points of the grid, float64.

    Most of a wide grid is empty. Every `coarse`-th point is looked at first, and then, for each
    example its own, those beside a point at which the density is not gone.

    Args:
        log_joint: log p(x, z) of a batch of x, K values of z for each.
        grid: in ascending order.
        coarse: 1 looks at all points.
        batch: examples of the batch.
    """
    first = torch.arange(0, len(grid), coarse, device=grid.device)
    at_first = log_joint(grid[first, None].expand(-1, batch)).double()
    values = at_first.new_full((len(grid), batch), -torch.inf)
    values[first] = at_first
    there = at_first > at_first.max(0).values - DEPTH
    wanted = torch.zeros_like(values, dtype=torch.bool)
    for offset in range(1 - coarse, coarse):
        near = first + offset
        inside = (near >= 0) & (near < len(grid))
        wanted[near[inside]] |= there[inside]
    wanted[first] = False
    if count := int(wanted.sum(0).max()):
        # Examples want different numbers of points; those that want fewer take others too.
        chosen = wanted.byte().argsort(dim=0, descending=True, stable=True)[:count]
        values.scatter_(0, chosen, log_joint(grid[chosen]).double())
    return (values.softmax(0) * grid.double()[:, None]).sum(0)

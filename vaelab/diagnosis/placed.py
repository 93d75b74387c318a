"""An index posterior on codes over p(z|x), in the part of the latent where both are."""

import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.diagnosis.integral import Posteriors
from vaelab.evaluation.quadrature import EDGE, POINTS, Grid
from vaelab.reporting.index_posteriors import Placed

SIDE = {1: 1001, 2: 121}  # places along an axis of a picture, by latent dimension
TAIL = 1e-3  # mass that may be left out at either end
MARGIN = 0.15  # of the window's width, on either side


def placed(
    model: Posteriors,
    row: int,
    codes: Float[Tensor, "N d"],
    weights: Float[Tensor, "N"],
    noisier: Posteriors | None = None,
) -> Placed:
    """One example's.

    Args:
        model: whose p(z|x).
        row: of its examples.
        codes: of the indices in the latent of the model, float64 on the CPU.
        weights: q(m|x) of the example.
        noisier: of which the same densities are given too.
    """
    z, _ = Grid(model.dim, POINTS[model.dim] - 1).points(codes.device, new=False)
    masses = model.log_joint(z)[row].softmax(0)
    corners = window(torch.cat([codes, z]), torch.cat([weights, masses]))
    # Beyond the grid nothing is known of the density: its integral ends there.
    low, high = (one.clamp(-EDGE, EDGE).tolist() for one in corners)
    sides = [
        torch.linspace(a, b, SIDE[model.dim], dtype=torch.float64)
        for a, b in zip(low, high, strict=True)
    ]
    places = torch.cartesian_prod(*sides).reshape(-1, model.dim)
    shape = [len(one) for one in sides]
    return Placed(
        axes=tuple(one.numpy() for one in sides),
        density=model.density(places)[row].view(shape).numpy(),
        noisier=None if noisier is None else noisier.density(places)[row].view(shape).numpy(),
        codes=codes.numpy(),
        weights=weights.numpy(),
    )


def window(
    places: Float[Tensor, "M d"], masses: Float[Tensor, "M"]
) -> tuple[Float[Tensor, "d"], Float[Tensor, "d"]]:
    """Lower and upper corner of what holds all mass but the tails, with a margin around it."""
    values, order = places.sort(0)
    below = masses[order].cumsum(0) / masses.sum()
    first = (below < TAIL).sum(0)
    last = (below < 1 - TAIL).sum(0).clamp(max=len(values) - 1)
    low, high = values.gather(0, first[None])[0], values.gather(0, last[None])[0]
    # Where all mass is on one code there still is something around it.
    margin = MARGIN * (high - low) + 1e-2
    return low - margin, high + margin

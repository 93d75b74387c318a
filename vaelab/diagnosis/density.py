"""What a model of two numbers is as a density: log p(x), draws, and what z is decoded to."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.dataset.known_model import KnownModel
from vaelab.diagnosis.base import Loaded
from vaelab.evaluation.quadrature import Grid, integrate
from vaelab.evaluation.sample import ancestral, decode
from vaelab.reporting.densities import Curve
from vaelab.seeding import noise

REACH = 3  # of z that is decoded, on either side of 0
FINE = {1: 2001, 2: 121}  # points of z along a line, by latent dimension
LATTICE = 13  # lines of each direction where z has two dimensions
KEPT = (0.002, 0.998)  # quantiles of the test data that a picture must hold
MARGIN = 0.12  # of its side, around them


@dataclass(frozen=True)
class Box:
    """A square of x, cut into points x points cells.

    Attributes:
        low: its lower corner.
        side: of the square.
        points: along a side.
    """

    low: tuple[float, float]
    side: float
    points: int

    @classmethod
    def around(cls, x: Float[Tensor, "N 2"], points: int) -> "Box":
        """All of the data but a few."""
        low, high = x.double().cpu().quantile(torch.tensor(KEPT, dtype=torch.float64), 0)
        side = float((high - low).max()) * (1 + 2 * MARGIN) or 1.0
        left, bottom = ((low + high - side) / 2).tolist()
        return cls((left, bottom), side, points)

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, right, bottom, top."""
        left, bottom = self.low
        return left, left + self.side, bottom, bottom + self.side

    @property
    def middles(self) -> Float[Tensor, "G 2"]:
        """Of all cells, dimension 0 changing slowest; float64."""
        steps = (torch.arange(self.points, dtype=torch.float64) + 0.5) * (self.side / self.points)
        return torch.cartesian_prod(*(start + steps for start in self.low))


def latent_lines(dim: int) -> Float[Tensor, "M L d"]:
    """Lines of z: all of one dimension, or a lattice of two, float64."""
    along = torch.linspace(-REACH, REACH, FINE[dim], dtype=torch.float64)
    if dim == 1:
        return along[None, :, None]
    places = torch.linspace(-REACH, REACH, LATTICE, dtype=torch.float64)
    still = places[:, None].expand(-1, len(along))
    moving = along.expand(LATTICE, -1)
    return torch.cat([torch.stack([moving, still], -1), torch.stack([still, moving], -1)])


def curves(z: Float[Tensor, "M L d"], x: Float[Tensor, "M L D"]) -> list[Curve]:
    """Coloured by the first dimension of z."""
    return [
        Curve(points.cpu().numpy(), places[:, 0].cpu().numpy())
        for points, places in zip(x, z, strict=True)
    ]


def known_curves(dataset: KnownModel) -> list[Curve]:
    """Of the model that data are drawn from; none where z has more than two dimensions."""
    if dataset.latent_dim > 2:
        return []
    z = latent_lines(dataset.latent_dim)
    return curves(z, dataset.decode(z))


@torch.no_grad()
def learned_curves(loaded: Loaded, dim: int) -> list[Curve]:
    """Of a learned model's E[x|z]."""
    z = latent_lines(dim)
    kind = next(loaded.vae.decoder.parameters()).dtype
    flat = z.flatten(0, 1).to(loaded.device, kind)
    mean = decode(loaded.vae, (flat[None],)).mean
    assert mean is not None, "a grid of z was laid: the decoder is not autoregressive"
    return curves(z, mean.unflatten(0, z.shape[:2]))


def draws(loaded: Loaded, count: int, seed: int) -> Float[Tensor, "S D"]:
    """Samples of x, a function of the seed."""
    with noise(loaded.device, seed, "density_map"):
        return decode(loaded.vae, ancestral(loaded.vae, 1, count)).x


def on_grid(loaded: Loaded, x: Float[Tensor, "G D"], grid: Grid, rows: int) -> Float[Tensor, "G"]:
    """Log p(x) at many places by a grid that has settled elsewhere; on the CPU."""
    prior = loaded.vae.prior(loaded.vae.encoder).double()
    return integrate(loaded.vae.decoder, prior, x, grid, 0, 0, rows).log_px.cpu()

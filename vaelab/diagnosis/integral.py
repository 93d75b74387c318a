"""The density p(z|x) = p(z) p(x|z) / p(x) of a learned and of a known model, by quadrature."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.batch import Batch
from vaelab.dataset.known_model import KnownModel
from vaelab.dataset.quadrature import Curve
from vaelab.diagnosis.base import Loaded, Subject
from vaelab.distribution import LOG_2PI
from vaelab.errors import UserError
from vaelab.evaluation.quadrature import DOUBLINGS, POINTS, Grid, Integral, holding, integrate


@dataclass(frozen=True)
class Posteriors:
    """p(z|x) of E examples.

    Attributes:
        dim: of z.
        log_joint: log p(x, z) of every example at any z, float64.
        log_px: log p(x).
        settled: whether the quadrature of log_px did.
    """

    dim: int
    log_joint: Callable[[Float[Tensor, "G d"]], Float[Tensor, "E G"]]
    log_px: Float[Tensor, "E"]
    settled: bool = True

    def density(self, z: Float[Tensor, "G d"]) -> Float[Tensor, "E G"]:
        """The p(z|x) of every example."""
        return (self.log_joint(z) - self.log_px[:, None]).exp()


@torch.no_grad()
def start(loaded: Loaded, subject: Subject) -> Grid:
    """The grid that an integral over z begins with.

    Raises:
        UserError: no grid can be laid over this latent.
    """
    one = torch.zeros(1, dtype=torch.int64, device=loaded.device)
    dims = [
        mean.shape[1] for mean in loaded.posterior(Batch(loaded.splits.train[one], one)).means()
    ]
    if dims not in ([1], [2]) or loaded.vae.decoder.autoregressive:
        raise UserError(
            f"{subject.run}: latent dimensions {', '.join(map(str, dims))}; an integral over z is "
            "of one level of one or two, of a decoder that is not autoregressive "
            "(architecture=vector_mlp architecture.latent_dim=1)"
        )
    grid = Grid(dims[0], POINTS[dims[0]] - 1)
    times = holding(loaded.vae.prior(loaded.vae.encoder).double(), grid, loaded.device)
    if times is None:
        raise UserError(f"{subject.run}: p(z) is beyond the reach of a grid of z (prior=standard)")
    return grid.doubled(times)


def integral(loaded: Loaded, x: Float[Tensor, "B D"], grid: Grid, rows: int) -> Integral:
    """Log p(x) of the learned model, by grids that are doubled until its mean settles.

    Args:
        loaded: the model.
        x: on its device.
        grid: of `start`.
        rows: points in one pass of the decoder.
    """
    prior = loaded.vae.prior(loaded.vae.encoder).double()
    return integrate(loaded.vae.decoder, prior, x, grid, 0, DOUBLINGS[grid.dim], rows)


def learned(loaded: Loaded, x: Float[Tensor, "E D"], grid: Grid, rows: int) -> Posteriors:
    """Those of the learned model."""
    decoder = loaded.vae.decoder
    prior = loaded.vae.prior(loaded.vae.encoder).double()
    kind = next(decoder.parameters()).dtype

    @torch.no_grad()
    def log_joint(z: Tensor) -> Tensor:
        z = z.to(loaded.device)
        model = decoder((z[:, None].to(kind),))  # samples of one example, which any x may be
        log_px = torch.stack([model.log_prob(one[None])[:, 0] for one in x])
        return (log_px.double() + prior.log_prob(z)).cpu()

    found = integral(loaded, x, grid, rows)
    return Posteriors(grid.dim, log_joint, found.log_px.cpu(), found.settled)


def known(dataset: KnownModel, x: Float[Tensor, "E D"]) -> Posteriors:
    """Those of the model that the data are drawn from."""
    variance = x.new_full((1, 1), dataset.noise)
    return Posteriors(dataset.latent_dim, _joint(dataset, x, variance), dataset.log_marginal(x))


def noisier(
    dataset: KnownModel, x: Float[Tensor, "E D"], variance: Float[Tensor, "E"]
) -> Posteriors:
    """The same with other variances of the noise, one latent dimension."""
    curves = [Curve(dataset.decode, one) for one in variance.tolist()]
    found = [curve.log_density(one[None]) for curve, one in zip(curves, x, strict=True)]
    return Posteriors(1, _joint(dataset, x, variance[:, None]), torch.cat(found))


def _joint(
    dataset: KnownModel, x: Float[Tensor, "E D"], variance: Float[Tensor, "#E 1"]
) -> Callable[[Tensor], Tensor]:
    """Log N(z; 0, I) N(x; f(z), variance I), by z."""
    (dim,) = dataset.shape

    def log_joint(z: Tensor) -> Tensor:
        z = z.to(x)
        squares = (x[:, None] - dataset.decode(z)).square().sum(-1)
        log_px = -0.5 * (squares / variance + dim * (variance.log() + LOG_2PI))
        return log_px - 0.5 * (z.square().sum(-1) + dataset.latent_dim * LOG_2PI)

    return log_joint

"""Posteriors q(z|x) of one batch: what encoders and inference strategies return.

Latents are a tuple, top level first, each [K, B, D_l]: the order in which q and p both sample.
"""

from typing import Literal, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from vaelab.distribution import DiagonalGaussian

Latents = tuple[Tensor, ...]
LogQ = Literal["total", "path", "score"]
"""Which derivative of log q(z|x) a bound wants: all of it; only the one through z (STL, DReG);
or only the one through the parameters, z held fixed (RWS)."""


@runtime_checkable
class Posterior(Protocol):
    """q(z|x) of one batch of B examples; the density does not change."""

    @property
    def top(self) -> DiagonalGaussian:
        """q(z_top|x): batch [B], event [D_top]."""
        ...

    def rsample(self, num_samples: int) -> Latents:
        """Reparameterised samples, one tensor [K, B, D_l] a level."""
        ...

    def log_prob(self, z: Latents) -> Float[Tensor, "K B"]:
        """Log-density log q(z|x) in nats, all levels summed."""
        ...

    def detach(self) -> "Posterior":
        """The same density: gradient to phi stopped, gradient to z kept."""
        ...

    def means(self) -> tuple[Float[Tensor, "B D"], ...]:
        """Posterior mean of each level (active units, plots)."""
        ...


class GaussianPosterior:
    """One latent level, diagonal Gaussian: N(z; mean, exp(log_var))."""

    def __init__(self, mean: Float[Tensor, "B D"], log_var: Float[Tensor, "B D"]) -> None:
        self.top = DiagonalGaussian(mean, log_var)

    def rsample(self, num_samples: int) -> Latents:
        """Reparameterised samples [K, B, D]."""
        return (self.top.rsample(num_samples),)

    def log_prob(self, z: Latents) -> Float[Tensor, "K B"]:
        """Log-density log q(z|x) in nats."""
        return self.top.log_prob(z[0])

    def detach(self) -> "GaussianPosterior":
        """The same density: gradient to phi stopped, gradient to z kept."""
        return GaussianPosterior(self.top.mean.detach(), self.top.log_var.detach())

    def means(self) -> tuple[Float[Tensor, "B D"], ...]:
        """The posterior mean."""
        return (self.top.mean,)

"""Posteriors q(z|x) of one batch: what encoders and inference strategies return.

Latents are a tuple, top level first, each [K, B, D_l]: the order in which p samples.
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
    """q(z|x) of one batch of B examples; the density does not change.

    Attributes:
        first_level: index among the latents of the level that q draws first: 0, the top one,
            unless q goes from the bottom up.
        gaussian: whether `first` is a part of the density; if not, it has its means and variances.
    """

    first_level: int
    gaussian: bool

    @property
    def first(self) -> DiagonalGaussian:
        """What q draws first, from x alone: batch [B], event [D]."""
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

    first_level = 0
    gaussian = True

    def __init__(self, mean: Float[Tensor, "B D"], log_var: Float[Tensor, "B D"]) -> None:
        self.first = DiagonalGaussian(mean, log_var)

    def rsample(self, num_samples: int) -> Latents:
        """Reparameterised samples [K, B, D]."""
        return (self.first.rsample(num_samples),)

    def log_prob(self, z: Latents) -> Float[Tensor, "K B"]:
        """Log-density log q(z|x) in nats."""
        return self.first.log_prob(z[0])

    def detach(self) -> "GaussianPosterior":
        """The same density: gradient to phi stopped, gradient to z kept."""
        return GaussianPosterior(self.first.mean.detach(), self.first.log_var.detach())

    def means(self) -> tuple[Float[Tensor, "B D"], ...]:
        """The posterior mean."""
        return (self.first.mean,)

"""A proposal that the prior has a share of, so that no importance weight can be boundless."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.distribution import DiagonalGaussian, LatentPrior
from vaelab.posterior import Latents, Posterior


class Defensive:
    """(1 - share) q(z|x) + share p(z), of one latent level; weights are at most p(x|z) / share.

    Samples are not reparameterised in which of the two they are from.

    Args:
        q: any posterior.
        prior: p(z).
        share: of the prior, between 0 and 1.
    """

    first_level = 0
    gaussian = False

    def __init__(self, q: Posterior, prior: LatentPrior, share: float) -> None:
        self.q = q
        self.prior = prior
        self.share = share

    @property
    def first(self) -> DiagonalGaussian:
        """That of q."""
        return self.q.first

    def rsample(self, num_samples: int) -> Latents:
        """Samples [K, B, D], each of q or of the prior."""
        (z,) = self.q.rsample(num_samples)
        other = self.prior.sample(math.prod(z.shape[:-1])).to(z).view(z.shape)
        mine = torch.rand(*z.shape[:-1], 1, device=z.device) >= self.share
        return (torch.where(mine, z, other),)

    def log_prob(self, z: Latents) -> Float[Tensor, "K B"]:
        """Log-density of the mixture in nats."""
        of_q = self.q.log_prob(z) + math.log1p(-self.share)
        return torch.logaddexp(of_q, self.prior.log_prob(z[0]) + math.log(self.share))

    def detach(self) -> "Defensive":
        """The same density: gradient to q's parameters stopped, gradient to z kept."""
        return Defensive(self.q.detach(), self.prior, self.share)

    def means(self) -> tuple[Float[Tensor, "B D"], ...]:
        """Those of q."""
        return self.q.means()

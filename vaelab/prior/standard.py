"""The standard normal prior."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vaelab.distribution import DiagonalGaussian, StandardNormal
from vaelab.prior.base import Prior
from vaelab.traits import Trait


class Standard(Prior):
    """p(z) = N(0, I).

    Args:
        latent_dim: dimension of z.
    """

    offers = frozenset({Trait.ANALYTIC_KL, Trait.OWN_PRIOR, Trait.STANDARD_PRIOR})

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        # Follows the module's device and type; never saved, never trained.
        self.register_buffer("like", torch.zeros(()), persistent=False)

    def forward(self, encoder: nn.Module) -> StandardNormal:
        """N(0, I), whatever the encoder."""
        return StandardNormal(self.latent_dim, self.get_buffer("like"))

    def analytic_kl(self, q: DiagonalGaussian) -> Float[Tensor, "B D"]:
        """(mean^2 + exp(log_var) - log_var - 1) / 2."""
        return q.kl_to_standard()

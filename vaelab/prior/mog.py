"""A mixture of Gaussians with learned components, VampPrior's baseline (1705.07120, section 2)."""

import torch
import torch.nn.functional as F
from torch import nn

from vaelab.distribution import GaussianMixture
from vaelab.errors import UserError
from vaelab.prior.base import Prior
from vaelab.traits import Trait


class Mog(Prior):
    """p(z) = 1/C sum_c N(z; mean_c, exp(log_var_c)), both trained, weights equal and fixed.

    The paper gives neither initialisation nor clamp; ours are settings.

    Args:
        latent_dim: dimension of z.
        components: C.
        spread: standard deviation of the initial means around 0.
        log_var: initial log-variance of every component.
        clamp: keep log-variances in [-6, 2], as the posterior's.
    """

    offers = frozenset({Trait.OWN_PRIOR})

    def __init__(
        self, latent_dim: int, components: int, spread: float, log_var: float, clamp: bool
    ) -> None:
        super().__init__()
        if latent_dim < 1:
            raise UserError("prior=mog: there is no latent to have a prior; choose prior=standard")
        if components < 1:
            raise UserError(f"prior.components={components}: must be at least 1")
        self.clamp = clamp
        self.mean = nn.Parameter(spread * torch.randn(components, latent_dim))
        self.log_var = nn.Parameter(torch.full((components, latent_dim), float(log_var)))

    def forward(self, encoder: nn.Module) -> GaussianMixture:
        """The mixture, whatever the encoder."""
        log_var = F.hardtanh(self.log_var, -6.0, 2.0) if self.clamp else self.log_var
        return GaussianMixture(self.mean, log_var)

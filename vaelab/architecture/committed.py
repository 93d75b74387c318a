"""A posterior whose variance is kept so small that it cannot reach the prior."""

import torch.nn.functional as F
from jaxtyping import Num
from torch import Tensor

from vaelab.architecture.base import Encoder
from vaelab.posterior import GaussianPosterior


class CommittedEncoder(Encoder):
    """Another encoder's posterior with its log-variance pressed below a limit.

    Args:
        encoder: of one latent level.
        limit: log-variance that is never passed.
    """

    def __init__(self, encoder: Encoder, limit: float) -> None:
        super().__init__()
        self.encoder = encoder
        self.limit = limit

    def forward(self, x: Num[Tensor, "B *event"]) -> GaussianPosterior:
        """Smooth, so that no gradient vanishes: limit - softplus(limit - log_var)."""
        first = self.encoder(x).first
        return GaussianPosterior(first.mean, self.limit - F.softplus(self.limit - first.log_var))

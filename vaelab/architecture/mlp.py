"""The one-level gated MLP of VAE with a VampPrior (Tomczak & Welling, 2018), 1705.07120.

Its code (table 2.1 of our notes) has two hidden layers of 300 gated units on either side and
posterior log-variances clamped to [-6, 2].
"""

import math

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from vaelab.architecture.base import Architecture, Decoder, Encoder
from vaelab.architecture.layers import Init, ParameterHeads, gated_stack, initialise_linear
from vaelab.errors import UserError
from vaelab.likelihood.base import Likelihood, ObservationModel
from vaelab.posterior import GaussianPosterior, Latents
from vaelab.traits import Trait


class MlpEncoder(Encoder):
    """x -> N(z; mean, exp(log_var)), log_var in [-6, 2]."""

    def __init__(self, event: int, hidden: list[int], latent_dim: int) -> None:
        super().__init__()
        self.hidden = gated_stack(event, hidden)
        self.mean = nn.Linear(hidden[-1], latent_dim)
        self.log_var = nn.Linear(hidden[-1], latent_dim)

    def forward(self, x: Float[Tensor, "B *event"]) -> GaussianPosterior:
        """The posterior of a batch."""
        h = self.hidden(x.flatten(1))
        # The authors' clamp: without it early training can overflow exp(-log_var).
        return GaussianPosterior(self.mean(h), F.hardtanh(self.log_var(h), -6.0, 2.0))


class MlpDecoder(Decoder):
    """z -> p(x|z), with one linear head for each parameter of the likelihood."""

    def __init__(
        self, shape: tuple[int, ...], hidden: list[int], latent_dim: int, likelihood: Likelihood
    ) -> None:
        super().__init__()
        self.likelihood = likelihood
        self.hidden = gated_stack(latent_dim, hidden)
        self.heads = ParameterHeads(hidden[-1], shape, likelihood.num_params)

    def forward(self, z: Latents) -> ObservationModel:
        """p(x|z) with batch [K, B]."""
        h = self.hidden(z[0])
        return self.likelihood(self.heads(h))


class Mlp(Architecture):
    """Gated MLPs on flattened data, one latent level.

    Args:
        shape: event shape of the data.
        likelihood: what the decoder's outputs parameterise.
        latent_dim: dimension of z.
        hidden: widths of the gated layers, in this order in encoder and decoder alike.
        init: "he" as the authors' code, "glorot" as their paper, "default" torch's.
    """

    offers = frozenset({Trait.LOCAL_POSTERIOR, Trait.ENCODER, Trait.TOP_POSTERIOR})

    def __init__(
        self,
        shape: tuple[int, ...],
        likelihood: Likelihood,
        latent_dim: int,
        hidden: list[int],
        init: Init,
    ) -> None:
        if latent_dim < 1 or not hidden or min(hidden) < 1:
            raise UserError(
                f"architecture.latent_dim={latent_dim} and architecture.hidden={hidden}: "
                "both need whole numbers of at least 1"
            )
        self.latent_dims = (latent_dim,)
        self.encoder = MlpEncoder(math.prod(shape), hidden, latent_dim)
        self.decoder = MlpDecoder(shape, hidden, latent_dim, likelihood)
        initialise_linear(self.encoder, init)
        initialise_linear(self.decoder, init)

"""The network of one stochastic layer of IWAE (Burda et al., 2015), 1509.00519, section 5.

Two tanh layers of 200 on either side of 50 latents (section 7.1 of our notes).
"""

import math

from jaxtyping import Float
from torch import Tensor

from vaelab.architecture.base import Architecture, Decoder, Encoder
from vaelab.architecture.layers import ParameterHeads
from vaelab.architecture.tanh_layers import (
    TanhGaussian,
    initialise_uniform,
    start_at_mean,
    tanh_stack,
)
from vaelab.dataset.base import Split
from vaelab.errors import UserError
from vaelab.likelihood.base import Likelihood, ObservationModel
from vaelab.posterior import GaussianPosterior, Latents
from vaelab.traits import Trait


class TanhMlpEncoder(Encoder):
    """x -> N(z; mean, sigma^2)."""

    def __init__(self, event: int, hidden: list[int], latent_dim: int) -> None:
        super().__init__()
        self.network = TanhGaussian(event, hidden, latent_dim)

    def forward(self, x: Float[Tensor, "B *event"]) -> GaussianPosterior:
        """The posterior of a batch."""
        q = self.network(x.flatten(1))
        return GaussianPosterior(q.mean, q.log_var)


class TanhMlpDecoder(Decoder):
    """z -> p(x|z), with one linear head for each parameter of the likelihood."""

    def __init__(
        self, shape: tuple[int, ...], hidden: list[int], latent_dim: int, likelihood: Likelihood
    ) -> None:
        super().__init__()
        self.likelihood = likelihood
        self.hidden = tanh_stack(latent_dim, hidden)
        self.heads = ParameterHeads(hidden[-1], shape, likelihood.num_params)

    def forward(self, z: Latents) -> ObservationModel:
        """p(x|z) with batch [K, B]."""
        return self.likelihood(self.heads(self.hidden(z[0])))


class TanhMlp(Architecture):
    """Tanh MLPs on flattened data, one latent level.

    Args:
        shape: event shape of the data.
        likelihood: what the decoder's outputs parameterise.
        latent_dim: dimension of z.
        hidden: widths of the tanh layers, in this order in encoder and decoder alike.
    """

    offers = frozenset({Trait.LOCAL_POSTERIOR, Trait.ENCODER, Trait.TOP_POSTERIOR})

    def __init__(
        self, shape: tuple[int, ...], likelihood: Likelihood, latent_dim: int, hidden: list[int]
    ) -> None:
        if latent_dim < 1 or not hidden or min(hidden) < 1:
            raise UserError(
                f"architecture.latent_dim={latent_dim} and architecture.hidden={hidden}: "
                "both need whole numbers of at least 1"
            )
        self.likelihood = likelihood
        self.latent_dims = (latent_dim,)
        self.encoder = TanhMlpEncoder(math.prod(shape), hidden, latent_dim)
        self.decoder = decoder = TanhMlpDecoder(shape, hidden, latent_dim, likelihood)
        self.heads = decoder.heads
        initialise_uniform(self.encoder)
        initialise_uniform(self.decoder)

    def prepare(self, train: Split) -> None:
        """The decoder's last bias, from the training data (tanh_layers.start_at_mean)."""
        start_at_mean(self.heads, self.likelihood, train)

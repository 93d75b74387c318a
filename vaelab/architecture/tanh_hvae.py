"""The network of two stochastic layers of IWAE (Burda et al., 2015), 1509.00519, section 5.

The encoder goes from the bottom up, q(h1|x) q(h2|h1), the decoder from the top down,
p(h2) p(h1|h2) p(x|h1), without a way around h1 on either side (section 7.1 of our notes).
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
from vaelab.bottom_up import Above, BottomUpPosterior
from vaelab.dataset.base import Split
from vaelab.distribution import DiagonalGaussian
from vaelab.errors import UserError
from vaelab.likelihood.base import Likelihood, ObservationModel
from vaelab.posterior import Latents
from vaelab.traits import Trait


class TanhHvaeEncoder(Encoder):
    """x -> q(h1|x) q(h2|h1)."""

    def __init__(
        self, event: int, latent_dims: tuple[int, int], hidden: list[int], hidden_above: list[int]
    ) -> None:
        super().__init__()
        top, lower = latent_dims
        self.of_x = TanhGaussian(event, hidden, lower)
        self.of_h1 = TanhGaussian(lower, hidden_above, top)

    def forward(self, x: Float[Tensor, "B *event"]) -> BottomUpPosterior:
        """The posterior of a batch."""
        return BottomUpPosterior(self.of_x(x.flatten(1)), Above(self.of_h1))


class TanhHvaeDecoder(Decoder):
    """p(h1|h2) and p(x|h1), with one linear head for each parameter of the likelihood."""

    def __init__(
        self,
        shape: tuple[int, ...],
        latent_dims: tuple[int, int],
        hidden: list[int],
        hidden_above: list[int],
        likelihood: Likelihood,
    ) -> None:
        super().__init__()
        top, lower = latent_dims
        self.likelihood = likelihood
        self.prior = TanhGaussian(top, hidden_above, lower)
        self.hidden = tanh_stack(lower, hidden)
        self.heads = ParameterHeads(hidden[-1], shape, likelihood.num_params)

    def lower(self, z_above: Latents) -> DiagonalGaussian:
        """p(h1|h2)."""
        return self.prior(z_above[0])

    def forward(self, z: Latents) -> ObservationModel:
        """p(x|h1) with batch [K, B]."""
        _, h1 = z
        return self.likelihood(self.heads(self.hidden(h1)))


class TanhHvae(Architecture):
    """Tanh MLPs on flattened data, two latent levels, encoded from the bottom up.

    Args:
        shape: event shape of the data.
        likelihood: what the decoder's outputs parameterise.
        latent_dims: dimensions of h2 (the top level) and h1.
        hidden: widths of the tanh layers between x and h1, in this order either way.
        hidden_above: widths of those between h1 and h2.
    """

    offers = frozenset({Trait.ENCODER})

    def __init__(
        self,
        shape: tuple[int, ...],
        likelihood: Likelihood,
        latent_dims: tuple[int, int],
        hidden: list[int],
        hidden_above: list[int],
    ) -> None:
        if min(latent_dims) < 1 or not hidden or not hidden_above or min(hidden + hidden_above) < 1:
            raise UserError(
                f"architecture.latent_dims={list(latent_dims)}, architecture.hidden={hidden} and "
                f"architecture.hidden_above={hidden_above}: need whole numbers of at least 1"
            )
        self.likelihood = likelihood
        self.latent_dims = latent_dims
        self.encoder = TanhHvaeEncoder(math.prod(shape), latent_dims, hidden, hidden_above)
        self.decoder = decoder = TanhHvaeDecoder(
            shape, latent_dims, hidden, hidden_above, likelihood
        )
        self.heads = decoder.heads
        initialise_uniform(self.encoder)
        initialise_uniform(self.decoder)

    def prepare(self, train: Split) -> None:
        """The decoder's last bias, from the training data (tanh_layers.start_at_mean)."""
        start_at_mean(self.heads, self.likelihood, train)

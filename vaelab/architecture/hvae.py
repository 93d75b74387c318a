"""The two-level gated MLP, HVAE, of VAE with a VampPrior (Tomczak & Welling, 2018), 1705.07120.

Equations 12 and 13; layers as in the authors' code (table 2.2 of our notes).
"""

import math

from jaxtyping import Float
from torch import Tensor

from vaelab.architecture.base import Architecture, Decoder, Encoder
from vaelab.architecture.conditional import LowerPosterior, LowerPrior
from vaelab.architecture.layers import (
    GatedDense,
    GatedPair,
    GaussianHead,
    Init,
    ParameterHeads,
    gated_stack,
    initialise_linear,
)
from vaelab.distribution import DiagonalGaussian
from vaelab.errors import UserError
from vaelab.likelihood.base import Likelihood, ObservationModel
from vaelab.posterior import Latents
from vaelab.traits import Trait
from vaelab.two_level import Conditional, TwoLevelPosterior


class HvaeEncoder(Encoder):
    """x -> q(z2|x) q(z1|x,z2)."""

    def __init__(self, event: int, latent_dims: tuple[int, int], width: int) -> None:
        super().__init__()
        self.hidden = gated_stack(event, [width, width])
        self.head = GaussianHead(width, latent_dims[0])
        self.of_x = GatedDense(event, width)
        self.lower = LowerPosterior(width, latent_dims, width)

    def forward(self, x: Float[Tensor, "B *event"]) -> TwoLevelPosterior:
        """The posterior of a batch."""
        x = x.flatten(1)
        top = self.head(self.hidden(x))
        return TwoLevelPosterior(top, Conditional(self.lower, lambda: self.of_x(x)))


class HvaeDecoder(Decoder):
    """p(z1|z2) and p(x|z2,z1), with one linear head for each parameter of the likelihood."""

    def __init__(
        self,
        shape: tuple[int, ...],
        latent_dims: tuple[int, int],
        width: int,
        likelihood: Likelihood,
    ) -> None:
        super().__init__()
        self.likelihood = likelihood
        self.prior = LowerPrior(latent_dims, width)
        self.of_z2, self.of_z1 = (GatedDense(dim, width) for dim in latent_dims)
        self.joined = GatedPair((width, width), width)
        self.heads = ParameterHeads(width, shape, likelihood.num_params)

    def lower(self, z_above: Latents) -> DiagonalGaussian:
        """p(z1|z2)."""
        return self.prior(z_above[0])

    def forward(self, z: Latents) -> ObservationModel:
        """p(x|z2,z1) with batch [K, B]."""
        z2, z1 = z
        h = self.joined(self.of_z1(z1), self.of_z2(z2))
        return self.likelihood(self.heads(h))


class Hvae(Architecture):
    """Gated MLPs on flattened data, two latent levels.

    Args:
        shape: event shape of the data.
        likelihood: what the decoder's outputs parameterise.
        latent_dims: dimensions of z2 (the top level) and z1.
        width: of every gated layer.
        init: "he" as the authors' code, "glorot" as their paper, "default" torch's.
    """

    offers = frozenset({Trait.ENCODER, Trait.TOP_POSTERIOR})

    def __init__(
        self,
        shape: tuple[int, ...],
        likelihood: Likelihood,
        latent_dims: tuple[int, int],
        width: int,
        init: Init,
    ) -> None:
        if min(latent_dims) < 1 or width < 1:
            raise UserError(
                f"architecture.latent_dims={list(latent_dims)} and architecture.width={width}: "
                "both need whole numbers of at least 1"
            )
        self.latent_dims = latent_dims
        self.encoder = HvaeEncoder(math.prod(shape), latent_dims, width)
        self.decoder = HvaeDecoder(shape, latent_dims, width, likelihood)
        initialise_linear(self.encoder, init)
        initialise_linear(self.decoder, init)

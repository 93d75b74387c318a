"""The two Gaussians of a lower latent level in VampPrior's networks (1705.07120): q and p of z1."""

from jaxtyping import Float
from torch import Tensor, nn

from vaelab.architecture.layers import GatedDense, GatedPair, GaussianHead, gated_stack
from vaelab.distribution import DiagonalGaussian


class LowerPosterior(nn.Module):
    """(features of x, z2) -> q(z1|x,z2): one gated layer of [features, gated z2].

    Args:
        features: width of what is known of x, and of the layer on z2.
        latent_dims: dimensions of z2 and z1.
        width: of the layer that joins them.
    """

    def __init__(self, features: int, latent_dims: tuple[int, int], width: int) -> None:
        super().__init__()
        top, lower = latent_dims
        self.of_z2 = GatedDense(top, features)
        self.joined = GatedPair((features, features), width)
        self.head = GaussianHead(width, lower)

    def forward(
        self, features: Float[Tensor, "B F"], z2: Float[Tensor, "K B D"]
    ) -> DiagonalGaussian:
        """The Gaussian of every sample of z2."""
        return self.head(self.joined(features, self.of_z2(z2)))


class LowerPrior(nn.Module):
    """z2 -> p(z1|z2): two gated layers.

    Args:
        latent_dims: dimensions of z2 and z1.
        width: of the gated layers.
    """

    def __init__(self, latent_dims: tuple[int, int], width: int) -> None:
        super().__init__()
        top, lower = latent_dims
        self.hidden = gated_stack(top, [width, width])
        self.head = GaussianHead(width, lower)

    def forward(self, z2: Float[Tensor, "K B D"]) -> DiagonalGaussian:
        """The Gaussian of every z2."""
        return self.head(self.hidden(z2))

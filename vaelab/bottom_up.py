"""The posterior of two latent levels, bottom first: IWAE (Burda et al., 2015), 1509.00519."""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

from vaelab.distribution import DiagonalGaussian
from vaelab.posterior import Latents
from vaelab.two_level import TwoLevelPosterior, still

Upward = Callable[[Tensor], DiagonalGaussian]
"""h1 [K, B, D1] -> q(h2|h1), batch [K, B]."""


class Above:
    """h1 -> q(h2|h1); nothing but h1 is needed of x.

    Args:
        network: h1 -> q(h2|h1); a module, so that its weights can be detached.
    """

    def __init__(self, network: Upward) -> None:
        self.network = network

    def __call__(self, h1: Float[Tensor, "K B D"]) -> DiagonalGaussian:
        """q(h2|h1)."""
        return self.network(h1)

    def detach(self) -> "Above":
        """The same densities: gradient to phi stopped, gradient to h1 kept."""
        return Above(still(self.network))


class BottomUpPosterior:
    """q(h1|x) q(h2|h1), both diagonal Gaussians; latents are (h2, h1), top first as everywhere.

    To x this is the chain of two levels that TwoLevelPosterior is, its levels listed the other way
    round.

    Args:
        bottom: q(h1|x).
        above: h1 -> q(h2|h1).
    """

    first_level = 1
    gaussian = True

    def __init__(self, bottom: DiagonalGaussian, above: Above) -> None:
        self.above = above
        self.chain = TwoLevelPosterior(bottom, above)

    @property
    def first(self) -> DiagonalGaussian:
        """q(h1|x)."""
        return self.chain.first

    def rsample(self, num_samples: int) -> Latents:
        """Reparameterised samples (h2, h1), h2 drawn from q(h2|h1) of each h1."""
        h1, h2 = self.chain.rsample(num_samples)
        return h2, h1

    def log_prob(self, z: Latents) -> Float[Tensor, "K B"]:
        """Log-density log q(h1|x) + log q(h2|h1) in nats.

        Of the very tensors drawn last, q(h2|h1) is at hand; of any others its network runs.
        """
        h2, h1 = z
        return self.chain.log_prob((h1, h2))

    def detach(self) -> "BottomUpPosterior":
        """The same density: gradient to phi stopped, gradient to z kept at both levels."""
        return BottomUpPosterior(self.first.detach(), self.above.detach())

    def means(self) -> tuple[Float[Tensor, "B D"], ...]:
        """The mean of h2 at one h1 sampled for each example, and that of h1."""
        h1, h2 = self.chain.means()
        return h2, h1

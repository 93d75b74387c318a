"""The posterior of two latent levels, top first: VAE with a VampPrior, 1705.07120, equation 12."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call

from vaelab.distribution import DiagonalGaussian
from vaelab.posterior import Latents

Network = Callable[[Tensor, Tensor], DiagonalGaussian]
"""(features [B, F] of x, z2 [K, B, D2]) -> q(z1|x,z2), batch [K, B]."""


@runtime_checkable
class Given(Protocol):
    """z of the level drawn first -> the other level's q, batch [K, B]."""

    def __call__(self, z: Float[Tensor, "K B D"], /) -> DiagonalGaussian:
        """The Gaussian of every z."""
        ...

    def detach(self) -> "Given":
        """The same densities: gradient to phi stopped, gradient to z kept."""
        ...


class Conditional:
    """z2 -> q(z1|x,z2) of one batch.

    What q(z1|x,z2) makes of x alone is computed once, and only if a lower level is asked for:
    VampPrior wants 500 pseudo-inputs' top level at every step.

    Args:
        network: (features, z2) -> q(z1|x,z2); a module, so that its weights can be detached.
        of_x: gives the features.
    """

    def __init__(self, network: Network, of_x: Callable[[], Float[Tensor, "B F"]]) -> None:
        self.network = network
        self.of_x = of_x
        self.made: dict[bool, Tensor] = {}

    @property
    def features(self) -> Float[Tensor, "B F"]:
        """What is needed of x."""
        # Features made under no_grad have no graph: they must not serve a call that wants one.
        graph = torch.is_grad_enabled()
        if graph not in self.made:
            self.made[graph] = self.of_x()
        return self.made[graph]

    def __call__(self, z2: Float[Tensor, "K B D"]) -> DiagonalGaussian:
        """q(z1|x,z2)."""
        return self.network(self.features, z2)

    def detach(self) -> "Conditional":
        """The same densities: gradient to phi stopped, gradient to z2 kept."""
        # The part that depends on phi and x only, not on z.
        return Conditional(still(self.network), lambda: self.features.detach())


def still(network: Callable[..., DiagonalGaussian]) -> Callable[..., DiagonalGaussian]:
    """The same function with detached weights; the gradient to its inputs is kept."""
    if not isinstance(network, nn.Module):
        return network  # it is detached already
    # Detached weights and not a detached output: the derivative of log q by the level drawn first
    # goes through the network, and is a part of the path derivative.
    weights = {name: weight.detach() for name, weight in network.named_parameters()}
    return lambda *inputs: functional_call(network, weights, inputs)


class TwoLevelPosterior:
    """q(z2|x) q(z1|x,z2), both diagonal Gaussians.

    Args:
        top: q(z2|x).
        lower: z2 -> q(z1|x,z2).
    """

    first_level = 0
    gaussian = True

    def __init__(self, top: DiagonalGaussian, lower: Given) -> None:
        self.first = top
        self.lower = lower
        self.drawn: tuple[Tensor, DiagonalGaussian, bool] | None = None

    def rsample(self, num_samples: int) -> Latents:
        """Reparameterised samples (z2, z1), z1 drawn from q(z1|x,z2) of each z2."""
        z2 = self.first.rsample(num_samples)
        lower = self.lower(z2)
        self.drawn = z2, lower, torch.is_grad_enabled()
        return z2, lower.rsample(1)[0]

    def log_prob(self, z: Latents) -> Float[Tensor, "K B"]:
        """Log-density log q(z2|x) + log q(z1|x,z2) in nats.

        Of the very tensors drawn last, q(z1|x,z2) is at hand; of any others, copies of those
        included, its network runs.
        """
        z2, z1 = z
        return self.first.log_prob(z2) + self.given(z2).log_prob(z1)

    def given(self, z2: Float[Tensor, "K B D"]) -> DiagonalGaussian:
        """q(z1|x,z2), from memory for the z2 drawn last if it has a graph where one is wanted."""
        if self.drawn is not None:
            drawn, lower, graph = self.drawn
            if z2 is drawn and graph == torch.is_grad_enabled():
                return lower
        return self.lower(z2)

    def detach(self) -> "TwoLevelPosterior":
        """The same density: gradient to phi stopped, gradient to z kept at both levels."""
        return TwoLevelPosterior(self.first.detach(), self.lower.detach())

    def means(self) -> tuple[Float[Tensor, "B D"], ...]:
        """The mean of z2, and that of z1 at one z2 sampled for each example."""
        return self.first.mean, self.lower(self.first.rsample(1)).mean[0]

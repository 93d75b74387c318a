"""p(x|z) whose pixels see the pixels before them: a PixelCNN with maps of z beside the image."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vaelab.likelihood.base import Likelihood

Draw = Callable[[Float[Tensor, "N P C"]], Float[Tensor, "N C"]]
"""Pixels from their parameters."""


class AutoregressiveImages:
    """p(x|z) = prod_i p(x_i | x_before_i, z), an ObservationModel.

    Args:
        network: from images and maps to the parameters of all pixels.
        maps: one for each z.
        likelihood: p(x_i) given its parameters.
        sampler: network, maps and Draw -> images, pixel by pixel.
    """

    mean = None  # E[x|z] is a sum over all images

    def __init__(
        self,
        network: nn.Module,
        maps: Float[Tensor, "K B M H W"],
        likelihood: Likelihood,
        sampler: Callable[..., Tensor],
    ) -> None:
        self.network = network
        self.maps = maps
        self.likelihood = likelihood
        self.sampler = sampler

    def log_prob(self, x: Float[Tensor, "B *event"]) -> Float[Tensor, "K B"]:
        """Log-likelihood in nats of images that are known: one pass for all K times B."""
        batch = self.maps.shape[:2]
        images = x.expand(*batch, *x.shape[1:]).flatten(0, 1)
        params = self.network(images, self.maps.flatten(0, 1))
        return self.likelihood(params.unflatten(0, batch)).log_prob(x)

    def sample(self) -> Float[Tensor, "K B *event"]:
        """One draw for each z, pixel by pixel; evaluation mode's network in any mode."""
        batch = self.maps.shape[:2]

        def draw(params: Tensor) -> Tensor:
            pixel = params.unflatten(0, batch)[..., None, None]  # [K, B, P, C, 1, 1]
            return self.likelihood(pixel).sample().flatten(2).flatten(0, 1)

        # Under autocast the maps may be in half precision and the weights are not.
        with torch.autocast(self.maps.device.type, enabled=False):
            maps = self.maps.flatten(0, 1).to(next(self.network.parameters()).dtype)
            return self.sampler(self.network, maps, draw).unflatten(0, batch)

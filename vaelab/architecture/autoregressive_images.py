"""p(x|z) whose pixels see the pixels before them: latents as maps beside the image in a PixelCNN.

The decoder of PixelHVAE in VAE with a VampPrior (Tomczak & Welling, 2018), 1705.07120 (section 2.4
of our notes).
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vaelab.architecture.layers import GatedDense
from vaelab.architecture.pixel_sampler import sample
from vaelab.architecture.vamp_pixelcnn import VampPixelcnn
from vaelab.likelihood.base import Likelihood
from vaelab.posterior import Latents


class AutoregressiveImages:
    """p(x|z) = prod_i p(x_i | x_before_i, z), an ObservationModel.

    Args:
        network: from images and maps to the parameters of all pixels.
        maps: one for each z.
        likelihood: p(x_i) given its parameters.
    """

    mean = None  # E[x|z] is a sum over all images

    def __init__(
        self, network: VampPixelcnn, maps: Float[Tensor, "K B M H W"], likelihood: Likelihood
    ) -> None:
        self.network = network
        self.maps = maps
        self.likelihood = likelihood

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
            return sample(self.network, maps, draw).unflatten(0, batch)


class PixelMaps(nn.Module):
    """z -> one image-shaped map for each latent level, as channels."""

    def __init__(self, shape: tuple[int, ...], latent_dims: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape
        self.of_level = nn.ModuleList(GatedDense(dim, math.prod(shape)) for dim in latent_dims)

    def forward(self, z: Latents) -> Float[Tensor, "K B M H W"]:
        """All maps, the lowest level's first as in the authors' code."""
        made = [of(level) for of, level in zip(self.of_level, z, strict=True)]
        return torch.cat([one.unflatten(-1, self.shape) for one in reversed(made)], dim=2)

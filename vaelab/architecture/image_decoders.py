"""Decoders of images whose pixels see the pixels before them: of z, and without a latent."""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor, nn

from vaelab.architecture.autoregressive_images import AutoregressiveImages
from vaelab.architecture.base import Decoder
from vaelab.likelihood.base import Likelihood
from vaelab.posterior import Latents


class MapsDecoder(Decoder):
    """p(x|z): maps that are linear in z, beside the image in a PixelCNN.

    Args:
        size: rows and columns of an image.
        likelihood: of a pixel.
        maps: z to maps of the image's size, flat.
        network: from images and maps to the parameters of all pixels.
        sampler: network, maps and Draw -> images, pixel by pixel.
    """

    autoregressive = True

    def __init__(
        self,
        size: tuple[int, int],
        likelihood: Likelihood,
        maps: nn.Linear,
        network: nn.Module,
        sampler: Callable[..., Tensor],
    ) -> None:
        super().__init__()
        self.likelihood = likelihood
        self.size = size
        self.maps = maps
        self.network = network
        self.sampler = sampler

    def maps_of(self, z: Float[Tensor, "K B D"]) -> Float[Tensor, "K B M H W"]:
        """What every pixel sees of z."""
        return self.maps(z).unflatten(-1, (-1, *self.size))

    def forward(self, z: Latents) -> AutoregressiveImages:
        """p(x|z) with batch [K, B]."""
        return AutoregressiveImages(self.network, self.maps_of(z[0]), self.likelihood, self.sampler)


class LatentFreeDecoder(Decoder):
    """p(x), whatever z [K, B, 0] is.

    Args:
        size: rows and columns of an image.
        likelihood: of a pixel.
        network: from images and no maps to the parameters of all pixels.
        sampler: network, maps and Draw -> images, pixel by pixel.
    """

    autoregressive = True
    exact = True

    def __init__(
        self,
        size: tuple[int, int],
        likelihood: Likelihood,
        network: nn.Module,
        sampler: Callable[..., Tensor],
    ) -> None:
        super().__init__()
        self.likelihood = likelihood
        self.size = size
        self.network = network
        self.sampler = sampler

    def forward(self, z: Latents) -> AutoregressiveImages:
        """p(x) with batch [K, B]."""
        none: Tensor = z[0].new_zeros(*z[0].shape[:2], 0, *self.size)
        return AutoregressiveImages(self.network, none, self.likelihood, self.sampler)

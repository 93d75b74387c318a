"""The two-level PixelCNN model, PixelHVAE, of VAE with a VampPrior (2018), 1705.07120.

Layers as in the authors' code (section 2.4 of our notes); encoder and p(z1|z2) are convHVAE's.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vaelab.architecture.autoregressive_images import AutoregressiveImages
from vaelab.architecture.base import Architecture, Decoder
from vaelab.architecture.conditional import LowerPrior
from vaelab.architecture.conv_encoder import ConvEncoder
from vaelab.architecture.conv_layers import image_shape
from vaelab.architecture.layers import GatedDense, Init, initialise_linear
from vaelab.architecture.pixel_sampler import sample
from vaelab.architecture.vamp_pixelcnn import VampPixelcnn
from vaelab.distribution import DiagonalGaussian
from vaelab.errors import UserError
from vaelab.likelihood.base import Likelihood
from vaelab.posterior import Latents
from vaelab.traits import Trait


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


class PixelDecoder(Decoder):
    """p(z1|z2) and p(x|z2,z1), whose pixels see those before them.

    Args:
        shape: channels, height and width of the data.
        latent_dims: dimensions of z2 (the top level) and z1.
        channels: of the PixelCNN's layers.
        layers: of the PixelCNN.
        width: of the dense layers of p(z1|z2).
        mask_latents: hide a latent's map where the image is hidden.
        likelihood: of a pixel.
    """

    autoregressive = True

    def __init__(
        self,
        shape: tuple[int, int, int],
        latent_dims: tuple[int, int],
        channels: int,
        layers: int,
        width: int,
        mask_latents: bool,
        likelihood: Likelihood,
    ) -> None:
        super().__init__()
        self.likelihood = likelihood
        self.prior = LowerPrior(latent_dims, width)
        self.maps = PixelMaps(shape, latent_dims)
        maps = len(latent_dims) * shape[0]
        self.network = VampPixelcnn(
            shape[0], maps, likelihood.num_params, channels, layers, mask_latents
        )

    def lower(self, z_above: Latents) -> DiagonalGaussian:
        """p(z1|z2)."""
        return self.prior(z_above[0])

    def forward(self, z: Latents) -> AutoregressiveImages:
        """p(x|z2,z1) with batch [K, B]."""
        return AutoregressiveImages(self.network, self.maps(z), self.likelihood, sample)


class PixelHvae(Architecture):
    """Gated convolutions and a PixelCNN on images, two latent levels.

    Args:
        shape: channels, height and width of the data.
        likelihood: of a pixel, given those before it and the latents.
        latent_dims: dimensions of z2 (the top level) and z1.
        channels: feature maps of the PixelCNN and of the encoder's later layers; its earlier ones
            have half, its last 6.
        layers: masked 3x3 convolutions; a pixel sees as many rows above it.
        width: of the gated dense layers.
        mask_latents: as the authors' code, hide a latent's map from a pixel where the image is
            hidden, so that the first pixel sees no latent; false: every pixel sees them.
        init: of dense layers: "he" as the authors' code, "glorot" as their paper, "default"
            torch's; convolutions start as torch's.
    """

    offers = frozenset({Trait.ENCODER, Trait.TOP_POSTERIOR})
    needs = frozenset({Trait.IMAGE})

    def __init__(
        self,
        shape: tuple[int, ...],
        likelihood: Likelihood,
        latent_dims: tuple[int, int],
        channels: int,
        layers: int,
        width: int,
        mask_latents: bool,
        init: Init,
    ) -> None:
        if min(latent_dims) < 1 or min(layers, width) < 1 or channels < 2:
            raise UserError(
                f"architecture.latent_dims={list(latent_dims)}, architecture.channels={channels}, "
                f"architecture.layers={layers} and architecture.width={width}: need whole numbers "
                "of at least 1 (channels: 2)"
            )
        self.latent_dims = latent_dims
        image = image_shape(shape)
        self.encoder = ConvEncoder(image, latent_dims, channels, width)
        self.decoder = PixelDecoder(
            image, latent_dims, channels, layers, width, mask_latents, likelihood
        )
        initialise_linear(self.encoder, init)
        initialise_linear(self.decoder, init)

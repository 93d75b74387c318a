"""The two-level convolutional model, convHVAE, of VAE with a VampPrior (2018), 1705.07120.

Layers as in the authors' code (table 2.3 of our notes); p(z1|z2) is the MLP's.
"""

import math

import torch
from torch import Tensor, nn

from vaelab.architecture.base import Architecture, Decoder
from vaelab.architecture.conditional import LowerPrior
from vaelab.architecture.conv_encoder import ConvEncoder
from vaelab.architecture.conv_layers import GatedConvs, image_shape
from vaelab.architecture.layers import GatedDense, GatedPair, Init, initialise_linear
from vaelab.distribution import DiagonalGaussian
from vaelab.errors import UserError
from vaelab.likelihood.base import Likelihood, ObservationModel
from vaelab.posterior import Latents
from vaelab.traits import Trait


class ConvDecoder(Decoder):
    """p(z1|z2) and p(x|z2,z1): a gated image of both latents, then gated convolutions.

    Args:
        shape: channels, height and width of the data.
        latent_dims: dimensions of z2 (the top level) and z1.
        channels: feature maps of every convolution.
        width: of the dense layers.
        likelihood: one 1x1 convolution for each of its parameters.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        latent_dims: tuple[int, int],
        channels: int,
        width: int,
        likelihood: Likelihood,
    ) -> None:
        super().__init__()
        self.shape = shape
        self.likelihood = likelihood
        self.prior = LowerPrior(latent_dims, width)
        self.of_z2, self.of_z1 = (GatedDense(dim, width) for dim in latent_dims)
        self.joined = GatedPair((width, width), math.prod(shape))
        self.convs = GatedConvs(shape[0], [(channels, 3, 1, 1)] * 4)
        self.heads = nn.ModuleList(
            nn.Conv2d(channels, shape[0], 1) for _ in range(likelihood.num_params)
        )

    def lower(self, z_above: Latents) -> DiagonalGaussian:
        """p(z1|z2)."""
        return self.prior(z_above[0])

    def forward(self, z: Latents) -> ObservationModel:
        """p(x|z2,z1) with batch [K, B]."""
        z2, z1 = z
        image = self.joined(self.of_z1(z1), self.of_z2(z2)).unflatten(-1, self.shape)
        maps = self.convs(image.flatten(0, 1))
        outputs: list[Tensor] = [head(maps) for head in self.heads]
        return self.likelihood(torch.stack(outputs, dim=1).unflatten(0, z2.shape[:2]))


class ConvHvae(Architecture):
    """Gated convolutions on images, two latent levels.

    Args:
        shape: channels, height and width of the data.
        likelihood: what the decoder's outputs parameterise.
        latent_dims: dimensions of z2 (the top level) and z1.
        channels: feature maps of the decoder and of the encoder's later layers; its earlier ones
            have half, its last 6.
        width: of the gated dense layers.
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
        width: int,
        init: Init,
    ) -> None:
        if min(latent_dims) < 1 or width < 1 or channels < 2:
            raise UserError(
                f"architecture.latent_dims={list(latent_dims)}, architecture.channels={channels} "
                f"and architecture.width={width}: need whole numbers of at least 1 (channels: 2)"
            )
        self.latent_dims = latent_dims
        image = image_shape(shape)
        self.encoder = ConvEncoder(image, latent_dims, channels, width)
        self.decoder = ConvDecoder(image, latent_dims, channels, width, likelihood)
        initialise_linear(self.encoder, init)
        initialise_linear(self.decoder, init)

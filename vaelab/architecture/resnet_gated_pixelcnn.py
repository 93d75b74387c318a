"""The image model of Semi-Amortized Variational Autoencoders (Kim et al., 2018), 1802.02550.

A residual convolutional encoder and a gated PixelCNN, one latent level, as the authors' code has
them (section 3.2 of our notes). It clamps the probabilities of pixels to [1e-5, 1 - 1e-5], which is
likelihood.clamp=1e-5.
"""

from torch import nn

from vaelab.architecture.base import Architecture
from vaelab.architecture.conv_layers import image_shape
from vaelab.architecture.gated_sampler import sample
from vaelab.architecture.gated_stacks import GatedStacks
from vaelab.architecture.image_decoders import MapsDecoder
from vaelab.architecture.residual_pixelcnn import check_sizes
from vaelab.architecture.savae_encoder import SavaeEncoder
from vaelab.errors import UserError
from vaelab.likelihood.base import Likelihood
from vaelab.traits import Trait


class ResnetGatedPixelcnn(Architecture):
    """Residual convolutions and a gated PixelCNN on images, one latent level.

    The decoder's maps of z are hidden from a pixel as other pixels are: the first sees nothing of
    z, and the others of the first row only what stands to their left.

    Args:
        shape: channels, height and width of the data.
        likelihood: of a pixel, given those before it and z.
        latent_dim: dimension of z.
        encoder_channels: feature maps of the encoder.
        latent_maps: maps of the image's size that are made of z.
        channels: feature maps of the PixelCNN's stacks.
        kernels: sizes of its convolutions, one a layer.
    """

    offers = frozenset({Trait.LOCAL_POSTERIOR, Trait.ENCODER, Trait.TOP_POSTERIOR})
    needs = frozenset({Trait.IMAGE})

    def __init__(
        self,
        shape: tuple[int, ...],
        likelihood: Likelihood,
        latent_dim: int,
        encoder_channels: int,
        latent_maps: int,
        channels: int,
        kernels: list[int],
    ) -> None:
        if min(latent_dim, encoder_channels, latent_maps) < 1:
            raise UserError(
                f"architecture.latent_dim={latent_dim}, "
                f"architecture.encoder_channels={encoder_channels} and "
                f"architecture.latent_maps={latent_maps}: need whole numbers of at least 1"
            )
        check_sizes(channels, kernels)
        self.latent_dims = (latent_dim,)
        colours, rows, columns = image = image_shape(shape)
        self.encoder = SavaeEncoder(image, latent_dim, encoder_channels)
        maps = nn.Linear(latent_dim, latent_maps * rows * columns)
        nn.init.kaiming_normal_(maps.weight, nonlinearity="relu")
        network = GatedStacks(colours, latent_maps, likelihood.num_params, channels, kernels)
        self.decoder = MapsDecoder((rows, columns), likelihood, maps, network, sample)

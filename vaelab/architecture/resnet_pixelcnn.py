"""The image model of Lagging Inference Networks (He et al., 2019), 1901.05534.

A residual convolutional encoder and a residual PixelCNN, one latent level (section 2.3 of our notes
on its code). The authors take log(p + 1e-12) of sigmoids, which limits a pixel's loss to 27.6 nats;
logits, as the likelihood takes them here, give the same below 15 nats and need no limit.
"""

from torch import nn

from vaelab.architecture.base import Architecture
from vaelab.architecture.conv_layers import image_shape
from vaelab.architecture.image_decoders import MapsDecoder
from vaelab.architecture.residual_pixelcnn import ResidualPixelcnn, check_sizes
from vaelab.architecture.residual_sampler import sample
from vaelab.architecture.resnet_encoder import ResnetEncoder
from vaelab.architecture.resnet_layers import initialise_linear
from vaelab.errors import UserError
from vaelab.likelihood.base import Likelihood
from vaelab.traits import Trait


class ResnetPixelcnn(Architecture):
    """Residual convolutions and a PixelCNN on images, one latent level.

    Args:
        shape: channels, height and width of the data.
        likelihood: of a pixel, given those before it and z.
        latent_dim: dimension of z.
        encoder_channels: feature maps of the encoder's three residual blocks.
        width: of the vector that the encoder makes of an image.
        latent_maps: maps of the image's size, made of z, that every pixel sees.
        channels: feature maps of the PixelCNN; its bottlenecks have half.
        kernels: sizes of its masked convolutions, one a layer.
    """

    offers = frozenset({Trait.LOCAL_POSTERIOR, Trait.ENCODER, Trait.TOP_POSTERIOR})
    needs = frozenset({Trait.IMAGE})

    def __init__(
        self,
        shape: tuple[int, ...],
        likelihood: Likelihood,
        latent_dim: int,
        encoder_channels: int,
        width: int,
        latent_maps: int,
        channels: int,
        kernels: list[int],
    ) -> None:
        if min(latent_dim, encoder_channels, width, latent_maps) < 1:
            raise UserError(
                f"architecture.latent_dim={latent_dim}, "
                f"architecture.encoder_channels={encoder_channels}, architecture.width={width} and "
                f"architecture.latent_maps={latent_maps}: need whole numbers of at least 1"
            )
        check_sizes(channels, kernels)
        self.latent_dims = (latent_dim,)
        colours, rows, columns = image = image_shape(shape)
        self.encoder = ResnetEncoder(image, latent_dim, encoder_channels, width)
        maps = nn.Linear(latent_dim, latent_maps * rows * columns)
        initialise_linear(maps)
        network = ResidualPixelcnn(colours, latent_maps, likelihood.num_params, channels, kernels)
        self.decoder = MapsDecoder((rows, columns), likelihood, maps, network, sample)

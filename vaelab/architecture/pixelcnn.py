"""A PixelCNN and no latent: the baseline of Lagging Inference Networks (He et al., 2019).

1901.05534, its code's earlier version: the decoder of `resnet_pixelcnn` without maps (section 4.6
of our notes). The ELBO is log p(x).
"""

from torch import Tensor

from vaelab.architecture.autoregressive_images import AutoregressiveImages
from vaelab.architecture.base import Architecture, Decoder
from vaelab.architecture.conv_layers import image_shape
from vaelab.architecture.latent_free import NoEncoder
from vaelab.architecture.residual_pixelcnn import ResidualPixelcnn, check_sizes
from vaelab.architecture.residual_sampler import sample
from vaelab.likelihood.base import Likelihood
from vaelab.posterior import Latents
from vaelab.traits import Trait


class PixelcnnDecoder(Decoder):
    """p(x), whatever z [K, B, 0] is.

    Args:
        shape: channels, height and width of the data.
        likelihood: of a pixel.
        channels: of the PixelCNN.
        kernels: of its masked convolutions.
    """

    autoregressive = True
    exact = True

    def __init__(
        self,
        shape: tuple[int, int, int],
        likelihood: Likelihood,
        channels: int,
        kernels: list[int],
    ) -> None:
        super().__init__()
        self.likelihood = likelihood
        colours, *self.size = shape
        self.network = ResidualPixelcnn(colours, 0, likelihood.num_params, channels, kernels)

    def forward(self, z: Latents) -> AutoregressiveImages:
        """p(x) with batch [K, B]."""
        none: Tensor = z[0].new_zeros(*z[0].shape[:2], 0, *self.size)
        return AutoregressiveImages(self.network, none, self.likelihood, sample)


class Pixelcnn(Architecture):
    """A residual PixelCNN on images; no latent.

    Args:
        shape: channels, height and width of the data.
        likelihood: of a pixel, given those before it.
        channels: feature maps; the bottlenecks have half.
        kernels: sizes of the masked convolutions, one a layer.
    """

    needs = frozenset({Trait.IMAGE})

    def __init__(
        self,
        shape: tuple[int, ...],
        likelihood: Likelihood,
        channels: int,
        kernels: list[int],
    ) -> None:
        check_sizes(channels, kernels)
        self.latent_dims = (0,)
        self.encoder = NoEncoder()
        self.decoder = PixelcnnDecoder(image_shape(shape), likelihood, channels, kernels)

"""A PixelCNN and no latent: the baseline of Lagging Inference Networks (He et al., 2019).

1901.05534, its code's earlier version: the decoder of `resnet_pixelcnn` without maps (section 4.6
of our notes). The ELBO is log p(x).
"""

from vaelab.architecture.base import Architecture
from vaelab.architecture.conv_layers import image_shape
from vaelab.architecture.image_decoders import LatentFreeDecoder
from vaelab.architecture.latent_free import NoEncoder
from vaelab.architecture.residual_pixelcnn import ResidualPixelcnn, check_sizes
from vaelab.architecture.residual_sampler import sample
from vaelab.likelihood.base import Likelihood
from vaelab.traits import Trait


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
        colours, rows, columns = image_shape(shape)
        self.encoder = NoEncoder()
        network = ResidualPixelcnn(colours, 0, likelihood.num_params, channels, kernels)
        self.decoder = LatentFreeDecoder((rows, columns), likelihood, network, sample)

"""A gated PixelCNN and no latent: the baseline of Semi-Amortized VAEs (Kim et al., 2018).

1802.02550: the decoder of `resnet_gated_pixelcnn` without maps. The ELBO is log p(x).
"""

from vaelab.architecture.base import Architecture
from vaelab.architecture.conv_layers import image_shape
from vaelab.architecture.gated_sampler import sample
from vaelab.architecture.gated_stacks import GatedStacks
from vaelab.architecture.image_decoders import LatentFreeDecoder
from vaelab.architecture.latent_free import NoEncoder
from vaelab.architecture.residual_pixelcnn import check_sizes
from vaelab.likelihood.base import Likelihood
from vaelab.traits import Trait


class GatedPixelcnn(Architecture):
    """A gated PixelCNN on images; no latent.

    Args:
        shape: channels, height and width of the data.
        likelihood: of a pixel, given those before it.
        channels: feature maps of both stacks.
        kernels: sizes of the convolutions, one a layer.
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
        network = GatedStacks(colours, 0, likelihood.num_params, channels, kernels)
        self.decoder = LatentFreeDecoder((rows, columns), likelihood, network, sample)

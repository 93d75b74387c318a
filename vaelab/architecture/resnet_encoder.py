"""The convolutional encoder of Lagging Inference Networks (He et al., 2019), 1901.05534.

Three residual blocks that halve the image each (section 2.3 of our notes on its code).
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from vaelab.architecture.base import Encoder
from vaelab.architecture.resnet_layers import NormedConv, initialise_convs, initialise_linear
from vaelab.posterior import GaussianPosterior

BLOCKS = 3


class ResnetBlock(nn.Module):
    """Two 3x3 convolutions, the first with stride 2, beside one of 1x1 with stride 2."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = NormedConv(nn.Conv2d(inputs, outputs, 3, 2, 1, bias=False))
        self.second = NormedConv(nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False))
        self.shortcut = NormedConv(nn.Conv2d(inputs, outputs, 1, 2, bias=False))

    def forward(self, x: Float[Tensor, "N I H W"]) -> Float[Tensor, "N O h w"]:
        """Half the size, rounded up."""
        h = self.second(F.elu(self.first(x), inplace=True))
        return F.elu(h + self.shortcut(x), inplace=True)


class ResnetEncoder(Encoder):
    """x -> N(z; mean, exp(log_var)).

    Args:
        shape: channels, height and width of the data.
        latent_dim: dimension of z.
        channels: of every residual block.
        width: of the vector that the last convolution, as large as what is left of the image
            (4x4 of 28x28), makes of it.
    """

    def __init__(
        self, shape: tuple[int, int, int], latent_dim: int, channels: int, width: int
    ) -> None:
        super().__init__()
        colours, *size = shape
        rows, columns = (-(-one // 2**BLOCKS) for one in size)  # three times halved, rounded up
        inputs = [colours] + [channels] * (BLOCKS - 1)
        self.blocks = nn.Sequential(*(ResnetBlock(one, channels) for one in inputs))
        self.last = NormedConv(nn.Conv2d(channels, width, (rows, columns), bias=False))
        self.head = nn.Linear(width, 2 * latent_dim)
        initialise_convs(self)
        initialise_linear(self.head)
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Float[Tensor, "B C H W"]) -> GaussianPosterior:
        """The posterior of a batch."""
        h = self.blocks(x.contiguous(memory_format=torch.channels_last))
        h = F.elu(self.last(h), inplace=True).flatten(1)
        mean, log_var = self.head(h).chunk(2, dim=-1)
        return GaussianPosterior(mean, log_var)

"""What the residual networks of Lagging Inference Networks (He et al., 2019), 1901.05534, share."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from vaelab.architecture.masked_conv import MaskedConv2d


class NormedConv(nn.Module):
    """A convolution without bias, and batch norm.

    A training batch of one number for each channel (one image of which 1x1 is left) has no
    statistics of its own; it is normalised as in evaluation mode.
    """

    def __init__(self, conv: nn.Conv2d | MaskedConv2d) -> None:
        super().__init__()
        self.conv = conv
        self.norm = nn.BatchNorm2d(len(conv.weight))

    def forward(self, x: Float[Tensor, "N I H W"]) -> Float[Tensor, "N O h w"]:
        """The normalised output."""
        h, norm = self.conv(x), self.norm
        if self.training and h.numel() == h.shape[1]:
            return F.batch_norm(
                h, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps
            )
        return norm(h)

    def weight(self) -> Float[Tensor, "O I k k"]:
        """The weight that acts."""
        conv = self.conv
        return conv.masked_weight() if isinstance(conv, MaskedConv2d) else conv.weight


def initialise_convs(module: nn.Module) -> None:
    """Every kernel below `module` N(0, 2 / (k k outputs)), masked entries too."""
    for parameter in module.parameters():
        if parameter.ndim == 4:
            nn.init.kaiming_normal_(parameter, mode="fan_out", nonlinearity="relu")


def initialise_linear(layer: nn.Linear) -> None:
    """Glorot's uniform weights, biases of 0."""
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)

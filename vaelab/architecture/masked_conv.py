"""A convolution that sees a pixel's past in raster order.

Pixel Recurrent Neural Networks (van den Oord et al., 2016), 1601.06759, section 3.4 (masks A, B).
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn


class MaskedConv2d(nn.Module):
    """A convolution without bias of the rows above and the columns to the left.

    Masked weights exist, get no gradient and count as parameters.

    Args:
        inputs: channels in.
        outputs: channels out.
        kernel: rows and columns, an odd number.
        centre: also see the pixel itself (mask B); else not (mask A).
        unmasked: of so many of the last input channels, see all positions.
    """

    mask: Tensor

    def __init__(self, inputs: int, outputs: int, kernel: int, centre: bool, unmasked: int) -> None:
        super().__init__()
        # torch's own initial draw
        self.weight = nn.Conv2d(inputs, outputs, kernel, bias=False).weight
        self.reach = kernel // 2
        mask = torch.zeros(inputs, kernel, kernel)
        mask[:, : self.reach] = 1
        mask[:, self.reach, : self.reach + centre] = 1
        mask[inputs - unmasked :] = 1
        self.register_buffer("mask", mask, persistent=False)
        self.below = self.reach if unmasked else 0

    def masked_weight(self) -> Float[Tensor, "O I k k"]:
        """The weight that acts; the mask is in the graph, so that masked entries stay as they are.

        Published code zeroes them in place at each forward: the same outputs, and the same
        gradients but for those of the masked entries, which are 0 here and enter norms there.
        """
        return self.weight * self.mask

    def forward(self, x: Float[Tensor, "N I H W"]) -> Float[Tensor, "N O H W"]:
        """The convolution, zeros around the image."""
        # The kernel's last rows, where all are zeros, would be a third of the work or more.
        weight = self.masked_weight()[:, :, : self.reach + 1 + self.below]
        padded = F.pad(x, (0, 0, self.reach, self.below))
        return F.conv2d(padded, weight, padding=(0, self.reach))

"""A convolution that sees a pixel's past in raster order.

Pixel Recurrent Neural Networks (van den Oord et al., 2016), 1601.06759, section 3.4 (masks A, B).
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn


class MaskedConv2d(nn.Module):
    """A 3x3 convolution without bias of the rows above and the columns to the left.

    Masked weights exist, get no gradient and count as parameters.

    Args:
        inputs: channels in.
        outputs: channels out.
        centre: also see the pixel itself (mask B); else not (mask A).
        unmasked: of so many of the last input channels, see all nine positions.
    """

    mask: Tensor

    def __init__(self, inputs: int, outputs: int, centre: bool, unmasked: int) -> None:
        super().__init__()
        self.weight = nn.Conv2d(inputs, outputs, 3, bias=False).weight  # torch's own initial draw
        mask = torch.zeros(inputs, 3, 3)
        mask[:, 0] = 1
        mask[:, 1, : 2 if centre else 1] = 1
        mask[inputs - unmasked :] = 1
        self.register_buffer("mask", mask, persistent=False)
        self.rows = 3 if unmasked else 2

    def masked_weight(self) -> Float[Tensor, "O I 3 3"]:
        """The weight that acts; the mask is in the graph, so that masked entries stay as they are.

        The authors' code zeroes them in place instead; outputs and gradients are the same.
        """
        return self.weight * self.mask

    def forward(self, x: Float[Tensor, "N I H W"]) -> Float[Tensor, "N O H W"]:
        """The convolution, zeros around the image."""
        # A last row of zeros in the kernel would be a third of the work.
        weight = self.masked_weight()[:, :, : self.rows]
        return F.conv2d(F.pad(x, (0, 0, 1, self.rows - 2)), weight, padding=(0, 1))

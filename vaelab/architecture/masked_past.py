"""A masked convolution one position after the other, for images that are drawn in raster order.

Once a pixel is drawn, every layer's output there is final. The rows above are complete when a row
begins, so that their part is one convolution for the whole row; what is left at each position is
one matrix product with the left neighbours and the position itself.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


class MaskedPast:
    """What one masked convolution sees of N images of which some rows and columns are known.

    Args:
        weight: with zeros where the past ends; where the position itself is not seen, that too.
        shift: added to every output.
        images: N.
        width: columns of an image.

    Attributes:
        cells: the inputs [N, I] of every column of the present row, to be written from left to
            right; what is beyond is not looked at.
    """

    def __init__(
        self,
        weight: Float[Tensor, "O I k k"],
        shift: Float[Tensor, "O"],
        images: int,
        width: int,
    ) -> None:
        inputs, reach = weight.shape[1], weight.shape[-1] // 2
        self.of_above = weight[:, :, :reach]
        # By column, then by channel: as neighbours lie in memory.
        self.of_left = weight[:, :, reach, : reach + 1].permute(2, 1, 0).flatten(0, 1).contiguous()
        self.shift = shift
        self.above = weight.new_zeros(images, reach, width + 2 * reach, inputs)
        self.row = weight.new_zeros(images, width + 2 * reach, inputs)  # zeros beyond either end
        columns = self.row.unbind(1)
        self.cells = columns[reach : reach + width]  # views: to write in one is to write here
        seen = self.row.flatten(1).unfold(1, (reach + 1) * inputs, inputs)
        self.seen = seen.unbind(1)[:width]
        self.given: tuple[Tensor, ...] = ()

    def begin(self, beside: Float[Tensor, "N O W"] | None = None) -> None:
        """Start a row: make the part that is known of all its outputs.

        Args:
            beside: added to the outputs; what other inputs, which are known, contribute.
        """
        given = F.conv2d(self.above.permute(0, 3, 1, 2), self.of_above, self.shift).squeeze(2)
        if beside is not None:
            given = given + beside
        self.given = given.permute(2, 0, 1).contiguous().unbind(0)

    def at(self, column: int, out: Tensor | None = None) -> Float[Tensor, "N O"]:
        """The convolution's output at a column of the present row."""
        return torch.addmm(self.given[column], self.seen[column], self.of_left, out=out)

    def end(self) -> None:
        """The present row is complete and becomes the last of those above."""
        self.above = torch.cat([self.above[:, 1:], self.row[:, None]], dim=1)

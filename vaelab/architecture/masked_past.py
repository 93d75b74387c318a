"""A masked convolution one position after the other, for images that are drawn in raster order.

Once a pixel is drawn, every layer's output there is final. The rows above are complete when a row
begins, so that their part is one convolution for the whole row; what is left at each position is
one matrix product with the left neighbours and the position itself.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


class LeftPast:
    """What a convolution of one row sees of N images, from the left up to the position itself.

    Args:
        weight: the last of its columns is the position's own; zeros where that is not seen.
        images: N.
        width: columns of an image.

    Attributes:
        row: the inputs of the present row, zeros beyond either end.
        cells: views of the inputs [N, I] of every column, to be written from left to right; what
            is beyond is not looked at.
    """

    def __init__(self, weight: Float[Tensor, "O I r"], images: int, width: int) -> None:
        _, inputs, columns = weight.shape
        reach = columns - 1
        # By column, then by channel: as neighbours lie in memory.
        self.weight = weight.permute(2, 1, 0).flatten(0, 1).contiguous()
        self.row = weight.new_zeros(images, width + 2 * reach, inputs)
        self.cells = self.row.unbind(1)[reach : reach + width]
        seen = self.row.flatten(1).unfold(1, columns * inputs, inputs)
        self.seen = seen.unbind(1)[:width]
        self.given: tuple[Tensor, ...] = ()

    def begin(self, given: Float[Tensor, "N O W"]) -> None:
        """Start a row.

        Args:
            given: added to the outputs; what else is known of them.
        """
        self.given = given.permute(2, 0, 1).contiguous().unbind(0)

    def at(self, column: int, out: Tensor | None = None) -> Float[Tensor, "N O"]:
        """The convolution's output at a column of the present row."""
        return torch.addmm(self.given[column], self.seen[column], self.weight, out=out)


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
        self.left = LeftPast(weight[:, :, reach, : reach + 1], images, width)
        self.shift = shift
        self.above = weight.new_zeros(images, reach, width + 2 * reach, inputs)
        self.cells = self.left.cells
        self.at = self.left.at

    def begin(self, beside: Float[Tensor, "N O W"] | None = None) -> None:
        """Start a row: make the part that is known of all its outputs.

        Args:
            beside: added to the outputs; what other inputs, which are known, contribute.
        """
        given = F.conv2d(self.above.permute(0, 3, 1, 2), self.of_above, self.shift).squeeze(2)
        self.left.begin(given if beside is None else given + beside)

    def end(self) -> None:
        """The present row is complete and becomes the last of those above."""
        self.above = torch.cat([self.above[:, 1:], self.left.row[:, None]], dim=1)

"""Draws from the gated PixelCNN at the cost of a few passes of it, not of one for each pixel.

The vertical stack of a row sees the rows above alone: it is made when the row begins. What is left
at each pixel is the horizontal stack's one column.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from vaelab.architecture.autoregressive_images import Draw
from vaelab.architecture.gated_stacks import GatedLayer, GatedStacks, gated
from vaelab.architecture.masked_past import LeftPast


class LayerPast:
    """One layer of both stacks, row after row and in it column after column.

    Args:
        layer: its weights.
        images: N.
        width: columns of an image.

    Attributes:
        cells: the horizontal stack's inputs [N, I] of every column of the present row.
    """

    def __init__(self, layer: GatedLayer, images: int, width: int) -> None:
        self.layer = layer
        weight, bias = layer.horizontal.weight.squeeze(2), layer.horizontal.bias
        assert bias is not None
        # Inputs of the vertical stack in as many of the rows above as it sees.
        self.above = weight.new_zeros(images, weight.shape[1], layer.reach + 1, width)
        self.shift = bias[:, None].expand(-1, width)
        if layer.first:  # its outputs stand a column further right, biases too
            weight, self.shift = F.pad(weight, (0, 1)), F.pad(self.shift, (1, -1))
        self.left = LeftPast(weight, images, width)
        self.cells = self.left.cells
        assert layer.out.bias is not None
        self.out, self.out_shift = layer.out.weight.flatten(1).T.contiguous(), layer.out.bias

    def begin(self, top: bool) -> Float[Tensor, "N C 1 W"]:
        """Start a row: the vertical stack's output there.

        Args:
            top: it is the first row, above which there is nothing, not even a bias.
        """
        layer, convolution = self.layer, self.layer.vertical
        above = F.conv2d(self.above, convolution.weight, convolution.bias, padding=(0, layer.reach))
        above = torch.zeros_like(above) if top else above
        self.left.begin(layer.across(above).squeeze(2) + self.shift)
        return gated(above)

    def at(self, column: int) -> Float[Tensor, "N C"]:
        """The horizontal stack's output at a column."""
        found = torch.addmm(self.out_shift, gated(self.left.at(column)), self.out)
        return found if self.layer.first else found.add_(self.cells[column])

    def end(self, v: Float[Tensor, "N I 1 W"]) -> None:
        """The row is complete; `v` is what the vertical stack sees of it from now on."""
        self.above = torch.cat([self.above[:, :, 1:], v], dim=2)


@torch.no_grad()
def sample(
    network: GatedStacks, maps: Float[Tensor, "N M H W"], draw: Draw
) -> Float[Tensor, "N C H W"]:
    """Images in raster order.

    Args:
        network: makes the parameters of a pixel.
        maps: what conditions each image; of the network's device and type.
        draw: pixels from their parameters.
    """
    images, _, height, width = maps.shape
    first, *others = pasts = [
        LayerPast(layer, images, width) for layer in network.layers if isinstance(layer, GatedLayer)
    ]
    head, shift = network.head.weight.flatten(1).T.contiguous(), network.head.bias
    assert shift is not None
    pixels = maps.new_zeros(images, network.colours, height, width)
    seen = torch.cat([pixels, maps], dim=1)
    for i in range(height):
        vertical = [past.begin(top=i == 0) for past in pasts]
        row = seen[:, :, i]  # a view: pixels are written where they are seen
        for j in range(width):
            h = first.at(j)
            for past in others:
                past.cells[j].copy_(h)
                h = past.at(j)
            params = torch.addmm(shift, h, head)
            row[:, : network.colours, j] = draw(params.unflatten(1, (-1, network.colours)))
            first.cells[j].copy_(row[:, :, j])
        for past, v in zip(pasts, [row[:, :, None], *vertical[:-1]], strict=True):
            past.end(v)
    return seen[:, : network.colours]

"""Draws from the residual PixelCNN at the cost of a few passes of it, not of one for each pixel."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from vaelab.architecture.autoregressive_images import Draw
from vaelab.architecture.folding import folded
from vaelab.architecture.masked_past import MaskedPast
from vaelab.architecture.residual_pixelcnn import MaskedBottleneck, ResidualPixelcnn, skip_connected
from vaelab.architecture.resnet_layers import NormedConv


class Pointwise:
    """A 1x1 convolution and its batch norm, in evaluation mode, at one position of N images."""

    def __init__(self, layer: NormedConv) -> None:
        weight, self.shift = folded(layer.weight(), layer.norm)
        self.weight = weight.flatten(1).T.contiguous()

    def __call__(self, h: Float[Tensor, "N I"], out: Tensor | None = None) -> Float[Tensor, "N O"]:
        """The normalised output."""
        return torch.addmm(self.shift, h, self.weight, out=out)


class BottleneckPast:
    """A masked bottleneck called once for each column of a row, from left to right."""

    def __init__(self, block: MaskedBottleneck, images: int, width: int) -> None:
        self.narrow, self.widen = Pointwise(block.narrow), Pointwise(block.widen)
        self.past = past_of(block.masked, images, width)
        self.column = 0

    def begin(self) -> None:
        """Start a row."""
        self.past.begin()
        self.column = 0

    def __call__(self, h: Float[Tensor, "N C"]) -> Float[Tensor, "N C"]:
        """The block's output at the next column."""
        here, self.column = self.column, self.column + 1
        F.elu_(self.narrow(h, out=self.past.cells[here]))
        return F.elu_(self.widen(F.elu_(self.past.at(here))).add_(h))


def past_of(layer: NormedConv, images: int, width: int) -> MaskedPast:
    """The masked convolution and its batch norm."""
    return MaskedPast(*folded(layer.weight(), layer.norm), images, width)


@torch.no_grad()
def sample(
    network: ResidualPixelcnn, maps: Float[Tensor, "N M H W"], draw: Draw
) -> Float[Tensor, "N C H W"]:
    """Images in raster order; batch norm as in evaluation mode, whatever mode the network is in.

    Args:
        network: makes the parameters of a pixel.
        maps: what conditions each image; of the network's device and type.
        draw: pixels from their parameters.
    """
    images, _, height, width = maps.shape
    weight, shift = folded(network.first.weight(), network.first.norm)
    of_x, of_maps = weight.tensor_split([network.colours], dim=1)
    # The maps are known: their part in the first layer is a convolution (where there are any).
    beside = F.conv2d(maps, of_maps, padding=weight.shape[-1] // 2) if of_maps.shape[1] else None
    image = MaskedPast(of_x, shift, images, width)
    layers, direct = (
        [
            BottleneckPast(block, images, width)
            for block in blocks
            if isinstance(block, MaskedBottleneck)
        ]
        for blocks in (network.layers, network.direct)
    )
    head, out = Pointwise(network.head), network.out.weight.flatten(1).T.contiguous()

    drawn = maps.new_empty(images, network.colours, height, width)
    for i in range(height):
        image.begin(None if beside is None else beside[:, :, i])
        for block in (*layers, *direct):
            block.begin()
        for j in range(width):
            last = skip_connected(F.elu_(image.at(j)), layers, direct)
            params = F.elu_(head(last)) @ out
            image.cells[j].copy_(draw(params.unflatten(1, (network.params, network.colours))))
        drawn[:, :, i] = torch.stack(image.cells, dim=2)
        for past in (image, *(block.past for block in (*layers, *direct))):
            past.end()
    return drawn

"""Draws from VampPrior's PixelCNN at the cost of a few passes of it, not of one for each pixel."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from vaelab.architecture.autoregressive_images import Draw
from vaelab.architecture.folding import folded
from vaelab.architecture.masked_past import MaskedPast
from vaelab.architecture.vamp_pixelcnn import MaskedBlock, VampPixelcnn


@torch.no_grad()
def sample(
    network: VampPixelcnn, maps: Float[Tensor, "N M H W"], draw: Draw
) -> Float[Tensor, "N C H W"]:
    """Images in raster order; batch norm as in evaluation mode, whatever mode the network is in.

    Args:
        network: makes the parameters of a pixel.
        maps: what conditions each image; of the network's device and type.
        draw: pixels from their parameters.
    """
    blocks = [module for module in network.modules() if isinstance(module, MaskedBlock)]
    convs = [folded(block.conv.masked_weight(), block.norm) for block in blocks]
    of_x, of_maps = convs[0][0].tensor_split([network.colours], dim=1)
    # The maps are known: their part in the first layer is a convolution.
    beside = F.conv2d(maps, of_maps, padding=1)
    convs[0] = of_x, convs[0][1]

    images, _, height, width = maps.shape
    pasts = [MaskedPast(weight, shift, images, width) for weight, shift in convs]
    image, last = pasts[0], pasts[-1]
    head, bias = heads(network)
    drawn = maps.new_empty(images, network.colours, height, width)
    for i in range(height):
        for past in pasts:
            past.begin(beside[:, :, i] if past is image else None)
        for j in range(width):
            for past, following in pairwise(pasts):
                past.at(j, out=following.cells[j]).relu_()
            params = torch.addmm(bias, last.at(j).relu_(), head)
            image.cells[j].copy_(draw(params.unflatten(1, (-1, network.colours))))
        drawn[:, :, i] = torch.stack(image.cells, dim=2)
        for past in pasts:
            past.end()
    return drawn


def heads(network: VampPixelcnn) -> tuple[Float[Tensor, "I PC"], Float[Tensor, "PC"]]:
    """All heads as one matrix, and their biases (zeros where they have none)."""
    convs = [head for head in network.heads if isinstance(head, nn.Conv2d)]
    weight = torch.cat([conv.weight.flatten(1) for conv in convs])
    biases = [weight.new_zeros(network.colours) if c.bias is None else c.bias for c in convs]
    return weight.T.contiguous(), torch.cat(biases)

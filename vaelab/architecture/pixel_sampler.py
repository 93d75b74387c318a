"""Draws from a PixelCNN at the cost of a few passes of the network, not of one for each pixel.

Once a pixel is drawn, every layer's output there is final. It is computed then, from the layer
below at that position, at its left and in the row above; the row above is complete when a row
begins, so that its part is one matrix product for the whole row.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from vaelab.architecture.vamp_pixelcnn import MaskedBlock, VampPixelcnn

Draw = Callable[[Float[Tensor, "N P C"]], Float[Tensor, "N C"]]


@dataclass(frozen=True)
class Layer:
    """A layer at one position as matrices."""

    above: Float[Tensor, "I3 O"]  # of the three columns of the row above, by channel
    here: Float[Tensor, "I2 O"]  # of the left neighbour, then of the position itself
    shift: Float[Tensor, "O"]


class Row:
    """One row of I channels of N images, and a column of zeros beyond either end."""

    def __init__(self, images: int, width: int, channels: int, like: Tensor) -> None:
        self.padded = like.new_zeros(images, width + 2, channels)
        self.cells = self.padded[:, 1:-1].unbind(1)  # views: to write in one is to write here
        # Neighbours lie side by side in memory: the left one and itself are one matrix [N, 2 I].
        self.pairs = self.padded.flatten(1).unfold(1, 2 * channels, channels).unbind(1)

    def given_to_next(self, layer: Layer) -> Float[Tensor, "N W O"]:
        """This row's part in the outputs of the row below."""
        return self.padded.unfold(1, 3, 1).flatten(2) @ layer.above + layer.shift


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
    weights, shifts = zip(*(folded(block) for block in blocks), strict=True)
    of_x, of_maps = weights[0].tensor_split([network.colours], dim=1)
    # The maps are known: their part in the first layer is a convolution.
    given = F.conv2d(maps, of_maps, padding=1).permute(2, 0, 3, 1)  # [H, N, W, O]
    layers = [matrices(w, s) for w, s in zip((of_x, *weights[1:]), shifts, strict=True)]
    head, bias = heads(network)

    images, _, height, width = maps.shape
    depths = [network.colours, *(len(layer.shift) for layer in layers)]
    above, here = ([Row(images, width, depth, maps) for depth in depths] for _ in range(2))
    drawn = maps.new_empty(images, network.colours, height, width)
    for i in range(height):
        known = [row.given_to_next(layer) for row, layer in zip(above, layers, strict=False)]
        known[0] += given[i]
        known = [part.unbind(1) for part in known]
        for j in range(width):
            # The first layer's weight of the position itself is 0: what is there from two rows
            # above does no harm.
            for depth, layer in enumerate(layers):
                out = here[depth + 1].cells[j]
                torch.addmm(known[depth][j], here[depth].pairs[j], layer.here, out=out).relu_()
            params = torch.addmm(bias, here[-1].cells[j], head)
            here[0].cells[j].copy_(draw(params.unflatten(1, (-1, network.colours))))
        drawn[:, :, i] = here[0].padded[:, 1:-1].transpose(1, 2)
        above, here = here, above
    return drawn


def folded(block: MaskedBlock) -> tuple[Tensor, Tensor]:
    """Weight [O, I, 3, 3] and shift [O] of the block's convolution and batch norm in one."""
    norm = block.norm
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    weight = block.conv.masked_weight() * scale[:, None, None, None]
    return weight, norm.bias - norm.running_mean * scale


def matrices(weight: Float[Tensor, "O I 3 3"], shift: Float[Tensor, "O"]) -> Layer:
    """The unmasked part of a weight, laid out as Row lays out inputs."""
    above = weight[:, :, 0].flatten(1).T
    here = weight[:, :, 1, :2].permute(2, 1, 0).flatten(0, 1)
    return Layer(above.contiguous(), here.contiguous(), shift)


def heads(network: VampPixelcnn) -> tuple[Float[Tensor, "I PC"], Float[Tensor, "PC"]]:
    """All heads as one matrix, and their biases (zeros where they have none)."""
    convs = [head for head in network.heads if isinstance(head, nn.Conv2d)]
    weight = torch.cat([conv.weight.flatten(1) for conv in convs])
    biases = [weight.new_zeros(network.colours) if c.bias is None else c.bias for c in convs]
    return weight.T.contiguous(), torch.cat(biases)

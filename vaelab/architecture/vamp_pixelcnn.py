"""The PixelCNN of VAE with a VampPrior (Tomczak & Welling, 2018), 1705.07120, as its code has it.

No residual links and no gates: masked convolution, batch norm, ReLU, eight times.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vaelab.architecture.masked_conv import MaskedConv2d

CACHED = 50  # images whose activations a CPU's caches hold: twice as fast as 2000 at a time


class MaskedBlock(nn.Module):
    """Masked convolution, batch norm, ReLU; arguments are MaskedConv2d's."""

    def __init__(self, inputs: int, outputs: int, centre: bool, unmasked: int) -> None:
        super().__init__()
        self.conv = MaskedConv2d(inputs, outputs, 3, centre, unmasked)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Float[Tensor, "N I H W"]) -> Float[Tensor, "N O H W"]:
        """What the next block sees."""
        return torch.relu_(self.norm(self.conv(x)))


class VampPixelcnn(nn.Module):
    """Images and maps beside them -> parameters of each pixel, made of the pixels before it.

    The colours of a pixel are independent given the pixels before. In training mode batch norm
    makes the images of a batch, and the pixels of an image, see each other: only in evaluation
    mode are the densities normalised.

    Args:
        colours: channels of an image.
        maps: channels that condition it.
        params: parameters of the likelihood for each element.
        channels: width of every layer.
        layers: masked layers; the first does not see the pixel itself.
        mask_maps: hide the present and later positions of the maps from the first layer too, as
            the authors' code does; the first pixel then sees no map at all.
    """

    def __init__(
        self, colours: int, maps: int, params: int, channels: int, layers: int, mask_maps: bool
    ) -> None:
        super().__init__()
        self.colours = colours
        first = MaskedBlock(colours + maps, channels, False, 0 if mask_maps else maps)
        rest = [MaskedBlock(channels, channels, True, 0) for _ in range(layers - 1)]
        self.blocks = nn.Sequential(first, *rest)
        # The authors' head has a bias where it is one (binary data), none where they are two
        # (mean and log-scale of grey data).
        self.heads = nn.ModuleList(
            nn.Conv2d(channels, colours, 1, bias=params == 1) for _ in range(params)
        )

    def forward(
        self, x: Float[Tensor, "N C H W"], maps: Float[Tensor, "N M H W"]
    ) -> Float[Tensor, "N P C H W"]:
        """The parameters of every pixel given the true pixels before it (teacher forcing)."""
        # A CPU's convolutions work in this layout: a step takes 0.75 of the time.
        inputs = torch.cat([x, maps], dim=1).contiguous(memory_format=torch.channels_last)
        if self.training or x.device.type != "cpu":
            return self.parameters_of(inputs)
        # Without batch statistics images do not see each other: they may come in parts.
        return torch.cat([self.parameters_of(part) for part in inputs.split(CACHED)])

    def parameters_of(self, inputs: Float[Tensor, "N I H W"]) -> Float[Tensor, "N P C H W"]:
        """One pass of the layers."""
        h = self.blocks(inputs)
        return torch.stack([head(h) for head in self.heads], dim=1)

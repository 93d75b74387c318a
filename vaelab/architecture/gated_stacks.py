"""The gated PixelCNN of Semi-Amortized Variational Autoencoders (Kim et al., 2018), 1802.02550.

After Conditional Image Generation with PixelCNN Decoders (van den Oord et al., 2016), 1606.05328,
section 2.3: a vertical stack sees the rows above, a horizontal one the row itself, so that nothing
above is hidden. As the authors' code has it (section 3.2 of our notes), the vertical stack moves
down a row in every layer, not in the first alone.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

HELD = 20_000_000  # numbers in a layer's output that are made at a time: 400 images, 80 MB


def gated(h: Float[Tensor, "N D *P"]) -> Float[Tensor, "N C *P"]:
    """One half of the channels under tanh, times the other under sigmoid."""
    a, b = h.chunk(2, dim=1)
    return torch.tanh(a) * torch.sigmoid(b)


class GatedLayer(nn.Module):
    """A layer of both stacks.

    Args:
        inputs: channels of both stacks before it.
        channels: of both stacks after it.
        kernel: columns that the vertical stack sees of each row; an odd number.
        first: hide the pixel itself (mask A) and add no input to the output.
    """

    def __init__(self, inputs: int, channels: int, kernel: int, first: bool) -> None:
        super().__init__()
        self.reach = kernel // 2
        self.first = first
        self.vertical = nn.Conv2d(inputs, 2 * channels, (self.reach + 1, kernel))
        self.across = nn.Conv2d(2 * channels, 2 * channels, 1)
        self.horizontal = nn.Conv2d(inputs, 2 * channels, (1, self.reach + 1))
        self.out = nn.Conv2d(channels, channels, 1)

    def above(self, v: Float[Tensor, "N I H W"]) -> Float[Tensor, "N D H W"]:
        """The vertical stack before its gate; zeros, without a bias, in the first row."""
        weight, bias = self.vertical.weight, self.vertical.bias
        h = F.conv2d(F.pad(v, (0, 0, self.reach, 0)), weight, bias, padding=(0, self.reach))
        return F.pad(h, (0, 0, 1, -1))

    def left(self, h: Float[Tensor, "N I H W"]) -> Float[Tensor, "N D H W"]:
        """What the horizontal stack makes of the row itself."""
        found = self.horizontal(F.pad(h, (self.reach, 0)))
        return F.pad(found, (1, -1)) if self.first else found

    def forward(
        self, v: Float[Tensor, "N I H W"], h: Float[Tensor, "N I H W"]
    ) -> tuple[Float[Tensor, "N C H W"], Float[Tensor, "N C H W"]]:
        """Both stacks."""
        above = self.above(v)
        found = self.out(gated(self.left(h) + self.across(above)))
        return gated(above), found if self.first else found + h


class GatedStacks(nn.Module):
    """Images and maps beside them -> parameters of each pixel, made of what is before it.

    Maps are channels like the image's: a pixel sees them where it sees other pixels, the first
    nowhere, and the others of the first row only to the left. The colours of a pixel are
    independent given the pixels before.

    Args:
        colours: channels of an image.
        maps: channels that condition it; none where it is a model without a latent.
        params: parameters of the likelihood for each element.
        channels: of every layer's stacks.
        kernels: sizes of the convolutions, layer by layer.
    """

    def __init__(
        self, colours: int, maps: int, params: int, channels: int, kernels: list[int]
    ) -> None:
        super().__init__()
        self.colours = colours
        self.params = params
        inputs = [colours + maps] + [channels] * (len(kernels) - 1)
        self.layers = nn.ModuleList(
            GatedLayer(one, channels, kernel, number == 0)
            for number, (one, kernel) in enumerate(zip(inputs, kernels, strict=True))
        )
        self.head = nn.Conv2d(channels, params * colours, 1)
        self.to(memory_format=torch.channels_last)

    def forward(
        self, x: Float[Tensor, "N C H W"], maps: Float[Tensor, "N M H W"]
    ) -> Float[Tensor, "N P C H W"]:
        """The parameters of every pixel given the true pixels before it (teacher forcing)."""
        inputs = torch.cat([x, maps], dim=1).contiguous(memory_format=torch.channels_last)
        # Images do not see each other: they may come in parts.
        one = 2 * self.head.in_channels * x.shape[-2] * x.shape[-1]
        parts = inputs.split(max(1, HELD // one))
        return torch.cat([self.parameters_of(part) for part in parts])

    def parameters_of(self, inputs: Float[Tensor, "N I H W"]) -> Float[Tensor, "N P C H W"]:
        """One pass of the layers."""
        v = h = inputs
        for layer in self.layers:
            v, h = layer(v, h)
        return self.head(h).unflatten(1, (self.params, self.colours))

"""The PixelCNN of Lagging Inference Networks (He et al., 2019), 1901.05534, as its code has it.

The paper's text calls it gated; the code that runs has residual bottlenecks, ELU and no gates, and
connections that skip two layers (section 2.3 of our notes).
"""

from collections.abc import Callable, Iterable, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from vaelab.architecture.masked_conv import MaskedConv2d
from vaelab.architecture.resnet_layers import NormedConv, initialise_convs
from vaelab.errors import UserError

# Numbers in a layer's output that are made at a time. A CPU's caches hold few: 50 images of 28x28
# with 64 channels take 0.8 of the time that 200 take. Elsewhere, thirteen outputs are 2.6 GB.
CACHED = 2_500_000
HELD = 50_000_000


class MaskedBottleneck(nn.Module):
    """x + (1x1 to half the channels, masked convolution, 1x1 back), ELU after each and the sum.

    Args:
        channels: in and out.
        kernel: of the masked convolution, which sees the pixel itself.
    """

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        inner = channels // 2
        self.narrow = NormedConv(nn.Conv2d(channels, inner, 1, bias=False))
        self.masked = NormedConv(MaskedConv2d(inner, inner, kernel, True, 0))
        self.widen = NormedConv(nn.Conv2d(inner, channels, 1, bias=False))

    def forward(self, x: Float[Tensor, "N C H W"]) -> Float[Tensor, "N C H W"]:
        """What the next layer sees."""
        h = F.elu(self.narrow(x), inplace=True)
        h = F.elu(self.masked(h), inplace=True)
        return F.elu(self.widen(h).add_(x), inplace=True)


Layer = Callable[[Tensor], Tensor]


def skip_connected(first: Tensor, layers: Iterable[Layer], direct: Sequence[Layer]) -> Tensor:
    """The layers' last output o with what skips two layers: layer i sees o_{i-1} + D_{i-3} o_{i-3}.

    Args:
        first: o_0.
        layers: from layer 1 on; layers 1 and 2 see the output before them alone.
        direct: D_0 and on; the last one's output is added to that of the last layer.
    """
    outputs = [first]

    def joined() -> Tensor:
        skipped = len(outputs) - 3
        return outputs[-1] + direct[skipped](outputs[skipped]) if skipped >= 0 else outputs[-1]

    for layer in layers:
        outputs.append(layer(joined()))
    return joined()


class ResidualPixelcnn(nn.Module):
    """Images and maps beside them -> parameters of each pixel, made of the pixels before it.

    The colours of a pixel are independent given the pixels before; every pixel sees all maps around
    it. In training mode batch norm makes images, and the pixels of an image, see each other: only
    in evaluation mode are the densities normalised.

    Args:
        colours: channels of an image.
        maps: channels that condition it; none where it is a model without a latent.
        params: parameters of the likelihood for each element.
        channels: width of every layer.
        kernels: sizes of the masked convolutions, layer by layer.
    """

    def __init__(
        self, colours: int, maps: int, params: int, channels: int, kernels: list[int]
    ) -> None:
        super().__init__()
        self.colours = colours
        self.params = params
        self.first = NormedConv(MaskedConv2d(colours + maps, channels, kernels[0], False, maps))
        self.layers = nn.ModuleList(MaskedBottleneck(channels, one) for one in kernels[1:])
        self.direct = nn.ModuleList(MaskedBottleneck(channels, one) for one in kernels[1:-1])
        initialise_convs(self)
        # The head keeps torch's own draw, as in the authors' code.
        self.head = NormedConv(nn.Conv2d(channels, channels, 1, bias=False))
        self.out = nn.Conv2d(channels, params * colours, 1, bias=False)
        self.to(memory_format=torch.channels_last)

    def forward(
        self, x: Float[Tensor, "N C H W"], maps: Float[Tensor, "N M H W"]
    ) -> Float[Tensor, "N P C H W"]:
        """The parameters of every pixel given the true pixels before it (teacher forcing)."""
        inputs = torch.cat([x, maps], dim=1).contiguous(memory_format=torch.channels_last)
        if self.training:
            return self.parameters_of(inputs)
        # Without batch statistics images do not see each other: they may come in parts.
        one = self.out.in_channels * x.shape[-2] * x.shape[-1]
        images = max(1, (CACHED if x.device.type == "cpu" else HELD) // one)
        return torch.cat([self.parameters_of(part) for part in inputs.split(images)])

    def parameters_of(self, inputs: Float[Tensor, "N I H W"]) -> Float[Tensor, "N P C H W"]:
        """One pass of the layers."""
        first = F.elu(self.first(inputs), inplace=True)
        last = skip_connected(first, self.layers, list(self.direct))
        h = F.elu(self.head(last), inplace=True)
        return self.out(h).unflatten(1, (self.params, self.colours))


def check_sizes(channels: int, kernels: list[int]) -> None:
    """Refuse sizes of which no network can be made.

    Raises:
        UserError: naming the settings.
    """
    if channels < 2 or not kernels or any(one < 3 or one % 2 == 0 for one in kernels):
        raise UserError(
            f"architecture.channels={channels} and architecture.kernels={kernels}: need at least 2 "
            "channels, and one or more odd sizes of at least 3"
        )

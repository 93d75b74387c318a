"""The gated convolutional encoder of convHVAE and PixelHVAE (1705.07120; our notes, table 2.3)."""

import math

from jaxtyping import Float
from torch import Tensor

from vaelab.architecture.base import Encoder
from vaelab.architecture.conditional import LowerPosterior
from vaelab.architecture.conv_layers import GatedConvs, Layer
from vaelab.architecture.layers import GaussianHead
from vaelab.two_level import Conditional, TwoLevelPosterior

LAST = 6  # channels of the map that is flattened


class ConvEncoder(Encoder):
    """x -> q(z2|x) q(z1|x,z2); each level has convolutions of its own on x.

    Args:
        shape: channels, height and width of the data.
        latent_dims: dimensions of z2 (the top level) and z1.
        channels: feature maps of the later layers; the earlier have half.
        width: of the gated layer that joins x and z2.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        latent_dims: tuple[int, int],
        channels: int,
        width: int,
    ) -> None:
        super().__init__()
        early, late = channels // 2, channels
        to_z2: list[Layer] = [
            (early, 7, 1, 3), (early, 3, 2, 1), (late, 5, 1, 2), (late, 3, 2, 1), (LAST, 3, 1, 1)
        ]  # fmt: skip
        to_z1: list[Layer] = [
            (early, 3, 1, 1), (early, 3, 2, 1), (late, 3, 1, 1), (late, 3, 2, 1), (LAST, 3, 1, 1)
        ]  # fmt: skip
        # Two strides of 2 with these paddings: each divides by 2 and rounds up.
        flat = LAST * math.ceil(shape[1] / 4) * math.ceil(shape[2] / 4)
        self.convs = GatedConvs(shape[0], to_z2)
        self.head = GaussianHead(flat, latent_dims[0])
        self.convs_of_x = GatedConvs(shape[0], to_z1)
        self.lower = LowerPosterior(flat, latent_dims, width)

    def forward(self, x: Float[Tensor, "B C H W"]) -> TwoLevelPosterior:
        """The posterior of a batch."""
        top = self.head(self.convs(x).flatten(1))
        return TwoLevelPosterior(
            top, Conditional(self.lower, lambda: self.convs_of_x(x).flatten(1))
        )

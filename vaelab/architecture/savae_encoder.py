"""The convolutional encoder of Semi-Amortized Variational Autoencoders (Kim et al., 2018).

1802.02550; as the authors' code has it (section 3.2 of our notes).
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from vaelab.architecture.base import Encoder
from vaelab.posterior import GaussianPosterior

STAGES = 3


class ResidualBlock(nn.Module):
    """x + (3x3, batch norm, ReLU, 3x3, batch norm), and ReLU; x by 1x1 if its width changes."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        # Biases count as parameters and do nothing before a batch norm, as in the authors' code.
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.skip = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Float[Tensor, "N I H W"]) -> Float[Tensor, "N O H W"]:
        """As large as x."""
        h = F.relu(self.first_norm(self.first(x)), inplace=True)
        return F.relu(self.skip(x) + self.second_norm(self.second(h)), inplace=True)


class SavaeEncoder(Encoder):
    """x -> N(z; mean, exp(log_var)): residual blocks and 2x2 convolutions of stride 2, in turn.

    Args:
        shape: channels, height and width of the data.
        latent_dim: dimension of z.
        channels: of every convolution.

    Raises:
        ValueError: nothing would be left of the image; the builder puts the option's name in front.
    """

    def __init__(self, shape: tuple[int, int, int], latent_dim: int, channels: int) -> None:
        super().__init__()
        colours, height, width = shape
        rows, columns = height // 2**STAGES, width // 2**STAGES
        if not rows or not columns:
            raise ValueError(f"needs images of at least 8x8, not {height}x{width}")
        stages = []
        for inputs in [colours] + [channels] * (STAGES - 1):
            stages += [ResidualBlock(inputs, channels), nn.Conv2d(channels, channels, 2, 2)]
        self.stages = nn.Sequential(*stages)
        self.head = nn.Linear(channels * rows * columns, 2 * latent_dim)
        nn.init.kaiming_normal_(self.head.weight, nonlinearity="relu")
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Float[Tensor, "B C H W"]) -> GaussianPosterior:
        """The posterior of a batch."""
        h = self.stages(x.contiguous(memory_format=torch.channels_last))
        mean, log_var = self.head(h.flatten(1)).chunk(2, dim=-1)
        return GaussianPosterior(mean, log_var)

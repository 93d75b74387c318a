"""What IWAE's two networks share: Importance Weighted Autoencoders (Burda et al.), 1509.00519.

Tanh layers, Gaussians by log-scale, weights drawn uniformly after Glorot & Bengio, biases zero, as
in the authors' code. Where the likelihood is a Bernoulli the decoder's last bias starts at the
training data's mean, so that the first epochs need not learn it.
"""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vaelab.architecture.layers import ParameterHeads
from vaelab.dataset.base import Binarised, Scaled, Split
from vaelab.distribution import DiagonalGaussian
from vaelab.likelihood.base import Likelihood
from vaelab.likelihood.bernoulli import Bernoulli

LEAST = 0.001  # a pixel's initial probability; the authors' value, and 1 - it the greatest
ROWS = 10_000  # of the training data averaged at a time


class ScaleHead(nn.Module):
    """h -> N(mean, sigma^2), mean linear and sigma = exp(linear), without a clamp."""

    def __init__(self, inputs: int, latent_dim: int) -> None:
        super().__init__()
        self.mean = nn.Linear(inputs, latent_dim)
        self.log_scale = nn.Linear(inputs, latent_dim)

    def forward(self, h: Float[Tensor, "*K B I"]) -> DiagonalGaussian:
        """The Gaussian of each row."""
        return DiagonalGaussian(self.mean(h), 2 * self.log_scale(h))


class TanhGaussian(nn.Module):
    """v -> N(mean, sigma^2): tanh layers, then a Gaussian head."""

    def __init__(self, inputs: int, hidden: list[int], latent_dim: int) -> None:
        super().__init__()
        self.hidden = tanh_stack(inputs, hidden)
        self.head = ScaleHead(hidden[-1], latent_dim)

    def forward(self, v: Float[Tensor, "*K B I"]) -> DiagonalGaussian:
        """The Gaussian of each row."""
        return self.head(self.hidden(v))


def tanh_stack(inputs: int, hidden: list[int]) -> nn.Sequential:
    """Dense tanh layers of the given widths, one after the other."""
    layers = ((nn.Linear(i, o), nn.Tanh()) for i, o in pairwise([inputs, *hidden]))
    return nn.Sequential(*(part for layer in layers for part in layer))


def initialise_uniform(module: nn.Module) -> None:
    """Every Linear below: weights U(-a, a), a = sqrt(6 / (fan_in + fan_out)); biases zero."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)


def start_at_mean(heads: ParameterHeads, likelihood: Likelihood, train: Split) -> None:
    """Set a Bernoulli's bias to the logit of each pixel's training mean, in [0.001, 0.999].

    Other likelihoods keep a bias of zero: what their parameters mean is their own.
    """
    if not isinstance(likelihood, Bernoulli):
        return
    mean = training_mean(train).clamp(LEAST, 1 - LEAST)
    (head,) = heads
    with torch.no_grad():
        head.get_parameter("bias").copy_(torch.logit(mean).flatten())


def training_mean(train: Split) -> Float[Tensor, "*event"]:
    """Mean of each element over the training data, float64.

    Of images that are drawn anew at every use, the mean of their probabilities: no noise.
    """
    read = Scaled(train.read.divisor) if isinstance(train.read, Binarised) else train.read
    total = torch.zeros(train.x.shape[1:], dtype=torch.float64, device=train.x.device)
    for rows in train.x.split(ROWS):
        total += read(rows).sum(0, dtype=torch.float64)
    return total / len(train)

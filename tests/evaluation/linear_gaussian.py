"""A VAE whose likelihood and posterior are known: p(z) = N(0, I), p(x|z) = N(W z, scale^2 I).

The posterior is made diagonal by orthogonal columns in W, so that a diagonal Gaussian can be exact.
"""

import math

import torch
from torch import Tensor, nn

from vaelab.architecture.base import Decoder, Encoder
from vaelab.dataset.base import Split
from vaelab.distribution import DiagonalGaussian
from vaelab.likelihood.gaussian import Gaussian, GaussianObservations
from vaelab.model import VAE
from vaelab.posterior import GaussianPosterior, Latents
from vaelab.prior.standard import Standard

D, DIMS, SCALE = 5, 2, 0.7


class LinearDecoder(Decoder):
    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)
        self.likelihood = Gaussian(SCALE)

    def forward(self, z: Latents) -> GaussianObservations:
        return self.likelihood((z[0] @ self.weight.T).unsqueeze(2))


class LinearEncoder(Encoder):
    """N(slope x + shift, diag(variance)); counts the examples it sees."""

    def __init__(self, slope: Tensor, variance: Tensor, shift: float) -> None:
        super().__init__()
        self.slope = nn.Parameter(slope)
        self.log_var = nn.Parameter(variance.log())
        self.shift = shift
        self.seen = 0

    def forward(self, x: Tensor) -> GaussianPosterior:
        self.seen += len(x)
        mean = x @ self.slope.T + self.shift
        return GaussianPosterior(mean, self.log_var.expand_as(mean))


class LinearGaussian:
    """The VAE and its closed forms, by hand.

    Args:
        shift: added to the exact posterior's mean in every dimension.
        widen: factor on its variance.
    """

    def __init__(self, shift: float = 0.0, widen: float = 1.0, dtype=torch.float64) -> None:
        generator = torch.Generator().manual_seed(0)
        columns = torch.linalg.qr(torch.randn(D, DIMS, generator=generator, dtype=dtype)).Q
        self.weight = columns * torch.tensor([1.5, 0.8], dtype=dtype)
        precision = 1 + self.weight.square().sum(0) / SCALE**2
        self.variance = 1 / precision
        self.slope = self.variance[:, None] * self.weight.T / SCALE**2
        self.shift, self.widen = shift, widen
        encoder = LinearEncoder(self.slope, widen * self.variance, shift)
        self.vae = VAE(encoder, LinearDecoder(self.weight), Standard(DIMS)).to(dtype)

    def draw(self, n: int) -> Tensor:
        generator = torch.Generator().manual_seed(1)
        z = torch.randn(n, DIMS, generator=generator, dtype=self.weight.dtype)
        noise = torch.randn(n, D, generator=generator, dtype=self.weight.dtype)
        return z @ self.weight.T + SCALE * noise

    def split(self, n: int) -> Split:
        return Split(self.draw(n), read=lambda x: x)

    def log_px(self, x: Tensor) -> Tensor:
        covariance = self.weight @ self.weight.T + SCALE**2 * torch.eye(D, dtype=x.dtype)
        mean = torch.zeros(D, dtype=x.dtype)
        return torch.distributions.MultivariateNormal(mean, covariance).log_prob(x)

    def gap(self) -> float:
        """KL(q(z|x) || p(z|x)), the same for every x."""
        kl = 0.5 * (self.widen - 1 - math.log(self.widen)) * DIMS
        return kl + 0.5 * float((self.shift**2 / self.variance).sum())

    def kl(self, x: Tensor) -> Tensor:
        """KL(q(z|x) || p(z)) of each x."""
        variance = (self.widen * self.variance).expand(len(x), -1)
        return (
            DiagonalGaussian(x @ self.slope.T + self.shift, variance.log()).kl_to_standard().sum(-1)
        )

    def posterior(self, batch) -> GaussianPosterior:
        return self.vae.encoder(batch.x)

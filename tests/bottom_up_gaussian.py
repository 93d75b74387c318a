"""A two-level VAE encoded from the bottom up, all of it known in closed form, float64.

p(h2) = N(0, I), p(h1|h2) = N(a h2 + b, s^2), p(x|h1) = N(W h1 + c, SCALE^2 I). The columns of W
are orthogonal, so that the exact q(h1|x) and q(h2|h1) are diagonal.
"""

import copy

import torch
from torch import Tensor, nn
from torch.distributions import MultivariateNormal, kl_divergence

from vaelab.architecture.base import Decoder, Encoder
from vaelab.bottom_up import Above, BottomUpPosterior
from vaelab.distribution import DiagonalGaussian
from vaelab.likelihood.gaussian import Gaussian
from vaelab.model import VAE
from vaelab.prior.standard import Standard

SCALE, F64 = 0.8, {"dtype": torch.float64}


class Affine(nn.Module):
    """v -> N(slope v + bias, exp(log_var)), each dimension by itself."""

    def __init__(self, slope: Tensor, bias: Tensor, variance: Tensor) -> None:
        super().__init__()
        self.slope, self.bias = nn.Parameter(slope), nn.Parameter(bias)
        self.log_var = nn.Parameter(variance.log())

    def forward(self, v: Tensor) -> DiagonalGaussian:
        mean = self.slope * v + self.bias
        return DiagonalGaussian(mean, self.log_var.expand_as(mean))


class UpwardEncoder(Encoder):
    def __init__(self, of_x: tuple[Tensor, ...], of_h1: tuple[Tensor, ...]) -> None:
        super().__init__()
        slope, bias, variance = of_x
        self.slope, self.bias = nn.Parameter(slope), nn.Parameter(bias)
        self.log_var = nn.Parameter(variance.log())
        self.above = Affine(*of_h1)

    def forward(self, x: Tensor) -> BottomUpPosterior:
        mean = x @ self.slope.T + self.bias
        first = DiagonalGaussian(mean, self.log_var.expand_as(mean))
        return BottomUpPosterior(first, Above(self.above))


class DownwardDecoder(Decoder):
    def __init__(self, of_h2: tuple[Tensor, ...], weights: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.below = Affine(*of_h2)
        self.weights, self.bias = nn.Parameter(weights), nn.Parameter(bias)
        self.likelihood = Gaussian(SCALE)

    def lower(self, z_above: tuple[Tensor, ...]) -> DiagonalGaussian:
        return self.below(z_above[0])

    def forward(self, z: tuple[Tensor, ...]):
        return self.likelihood((z[1] @ self.weights.T + self.bias).unsqueeze(2))


class BottomUpGaussian:
    """The VAE and its closed forms.

    Args:
        wrong: how far the encoder is from the exact posterior; 0: exact. Variances grow with it.
    """

    def __init__(self, wrong: float = 0.0) -> None:
        generator = torch.Generator().manual_seed(0)
        a, b = torch.tensor([0.8, -0.6], **F64), torch.tensor([0.3, -0.2], **F64)
        s2 = torch.tensor([0.5, 1.4], **F64)
        directions = torch.linalg.qr(torch.randn(4, 4, generator=generator, **F64)).Q
        weights = directions[:, :2] * torch.tensor([1.3, 0.7], **F64)
        bias = torch.randn(4, generator=generator, **F64)

        marginal = a.square() + s2  # variance of h1
        precision = 1 / marginal + weights.square().sum(0) / SCALE**2
        gain = (weights / SCALE**2 / precision).T
        of_x = gain, b / marginal / precision - gain @ bias, 1 / precision
        above = 1 + a.square() / s2
        of_h1 = a / s2 / above, -a * b / s2 / above, 1 / above
        encoder = UpwardEncoder(of_x, of_h1)
        self.exact = copy.deepcopy(encoder)
        self.vae = VAE(encoder, DownwardDecoder((a, b, s2), weights, bias), Standard(2)).double()
        with torch.no_grad():
            for name, parameter in encoder.named_parameters():
                change = torch.randn(parameter.shape, generator=generator, **F64)
                parameter.add_(wrong * (5 * change.abs() if "log_var" in name else change))
        covariance = weights @ marginal.diag() @ weights.T + SCALE**2 * torch.eye(4, **F64)
        self.of_x = MultivariateNormal(weights @ b + bias, covariance)

    def draw(self, n: int) -> Tensor:
        """Examples x."""
        noise = torch.randn(n, 4, generator=torch.Generator().manual_seed(1), **F64)
        return self.of_x.mean + noise @ torch.linalg.cholesky(self.of_x.covariance_matrix).T

    def gap(self, x: Tensor) -> Tensor:
        """KL(q(h2,h1|x) || p(h2,h1|x)) of each x; differentiable in the encoder's parameters."""
        return kl_divergence(joint(self.vae.encoder, x), joint(self.exact, x))


def joint(encoder: UpwardEncoder, x: Tensor) -> MultivariateNormal:
    """The density of (h1, h2) given x that an encoder stands for."""
    mean, first = x @ encoder.slope.T + encoder.bias, encoder.log_var.exp().diag()
    slope = encoder.above.slope.diag()
    second = encoder.above.log_var.exp().diag() + slope @ first @ slope
    rows = [torch.cat([first, first @ slope], 1), torch.cat([slope @ first, second], 1)]
    above = mean @ slope + encoder.above.bias
    return MultivariateNormal(torch.cat([mean, above], 1), torch.cat(rows))

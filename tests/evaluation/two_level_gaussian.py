"""A two-level VAE whose likelihood and posterior are known in closed form, float64.

p(z2) = N(0, I), p(z1|z2) = N(a z2 + h, s^2), p(x|z) = N(W2 z2 + W1 z1 + c, SCALE^2 I). Latents of
different index touch orthogonal directions of x, so the exact q(z2|x) and q(z1|x,z2) are diagonal.
"""

import torch
from torch import Tensor, nn
from torch.distributions import MultivariateNormal, kl_divergence

from vaelab.architecture.base import Decoder, Encoder
from vaelab.dataset.base import Split
from vaelab.distribution import DiagonalGaussian
from vaelab.likelihood.gaussian import Gaussian
from vaelab.model import VAE
from vaelab.prior.standard import Standard
from vaelab.two_level import Conditional, TwoLevelPosterior

D, SCALE, F64 = 5, 0.8, {"dtype": torch.float64}
TOP, LOWER, X = slice(0, 2), slice(2, 4), slice(4, 4 + D)


class Lower(nn.Module):
    """(features, z2) -> N(features + z2 slope^T, exp(log_var))."""

    def __init__(self, slope: Tensor, variance: Tensor) -> None:
        super().__init__()
        self.slope = nn.Parameter(slope)
        self.log_var = nn.Parameter(variance.log())

    def forward(self, features: Tensor, z2: Tensor) -> DiagonalGaussian:
        mean = features + z2 @ self.slope.T
        return DiagonalGaussian(mean, self.log_var.expand_as(mean))


class LinearEncoder(Encoder):
    def __init__(self, top: tuple[Tensor, ...], lower: tuple[Tensor, ...]) -> None:
        super().__init__()
        slope, bias, variance = top
        self.slope, self.bias = nn.Parameter(slope), nn.Parameter(bias)
        self.log_var = nn.Parameter(variance.log())
        slope, bias, variance = lower
        self.of_x, self.of_x_bias = nn.Parameter(slope[:, 2:].clone()), nn.Parameter(bias)
        self.lower = Lower(slope[:, :2].clone(), variance)

    def forward(self, x: Tensor) -> TwoLevelPosterior:
        mean = x @ self.slope.T + self.bias
        top = DiagonalGaussian(mean, self.log_var.expand_as(mean))
        return TwoLevelPosterior(
            top, Conditional(self.lower, lambda: x @ self.of_x.T + self.of_x_bias)
        )


class LinearDecoder(Decoder):
    def __init__(self, model: "TwoLevelGaussian") -> None:
        super().__init__()
        self.slope, self.shift = nn.Parameter(model.slope), nn.Parameter(model.shift)
        self.log_var = nn.Parameter(model.variance.log())
        self.weights, self.bias = nn.Parameter(model.weights), nn.Parameter(model.bias)
        self.likelihood = Gaussian(SCALE)

    def lower(self, z_above: tuple[Tensor, ...]) -> DiagonalGaussian:
        mean = self.slope * z_above[0] + self.shift
        return DiagonalGaussian(mean, self.log_var.expand_as(mean))

    def forward(self, z: tuple[Tensor, ...]):
        mean = torch.cat(z, dim=-1) @ self.weights.T + self.bias
        return self.likelihood(mean.unsqueeze(2))


class TwoLevelGaussian:
    """The VAE and its closed forms, from the joint Gaussian of (z2, z1, x).

    Args:
        wrong: how far the encoder is from the exact posterior; 0: exact. Variances grow with it,
            so that importance weights have few large values.
    """

    def __init__(self, wrong: float = 0.0) -> None:
        generator = torch.Generator().manual_seed(0)
        self.slope = torch.tensor([0.8, -0.6], **F64)
        self.shift = torch.tensor([0.3, -0.2], **F64)
        self.variance = torch.tensor([0.5, 1.4], **F64)
        directions = torch.linalg.qr(torch.randn(D, D, generator=generator, **F64)).Q
        # z2[i] and z1[i] share two directions of x, which no other index has.
        of_z2 = [0.9 * directions[:, 0], 0.4 * directions[:, 2] - 0.7 * directions[:, 3]]
        of_z1 = [0.5 * directions[:, 0] + 1.1 * directions[:, 1], 1.3 * directions[:, 2]]
        self.weights = torch.stack([*of_z2, *of_z1], dim=1)
        self.bias = torch.randn(D, generator=generator, **F64)

        # (z2, z1, x) = offset + mixing (e2, e1, e), independent standard normal noise.
        mixing, offset = torch.zeros(4 + D, 4 + D, **F64), torch.zeros(4 + D, **F64)
        mixing[TOP, TOP] = torch.eye(2, **F64)
        mixing[LOWER, TOP] = self.slope.diag()
        mixing[LOWER, LOWER] = self.variance.sqrt().diag()
        mixing[X, :4] = self.weights @ mixing[:4, :4]
        mixing[X, X] = SCALE * torch.eye(D, **F64)
        offset[LOWER] = self.shift
        offset[X] = self.weights @ offset[:4] + self.bias
        self.mean, self.covariance = offset, mixing @ mixing.T

        top = self.given(TOP, list(range(4, 4 + D)))
        lower = self.given(LOWER, [0, 1, *range(4, 4 + D)])
        encoder = LinearEncoder(top, lower)
        with torch.no_grad():
            for name, parameter in encoder.named_parameters():
                change = torch.randn(parameter.shape, generator=generator, **F64)
                parameter.add_(wrong * (5 * change.abs() if "log_var" in name else change))
        self.vae = VAE(encoder, LinearDecoder(self), Standard(2)).double()

    def given(self, part: slice, known: list[int]) -> tuple[Tensor, Tensor, Tensor]:
        """Slope, bias and variances of the conditional of `part`, which must be diagonal."""
        cross = self.covariance[part][:, known]
        slope = cross @ torch.linalg.inv(self.covariance[known][:, known])
        left = self.covariance[part, part] - slope @ cross.T
        assert float((left - left.diagonal().diag()).abs().max()) < 1e-12
        return slope, self.mean[part] - slope @ self.mean[known], left.diagonal().clone()

    def draw(self, n: int) -> Tensor:
        """Examples x."""
        generator = torch.Generator().manual_seed(1)
        noise = torch.randn(n, 4 + D, generator=generator, **F64)
        return (self.mean + noise @ torch.linalg.cholesky(self.covariance).T)[:, X]

    def split(self, n: int) -> Split:
        return Split(self.draw(n), read=lambda x: x)

    def posterior(self, batch) -> TwoLevelPosterior:
        return self.vae.encoder(batch.x)

    def log_px(self, x: Tensor) -> Tensor:
        return MultivariateNormal(self.mean[X], self.covariance[X, X]).log_prob(x)

    def gap(self, x: Tensor) -> Tensor:
        """KL(q(z2,z1|x) || p(z2,z1|x)) of each x; differentiable in the encoder's parameters."""
        encoder = self.vae.encoder
        gain = self.covariance[:4, X] @ torch.linalg.inv(self.covariance[X, X])
        exact = self.covariance[:4, :4] - gain @ self.covariance[:4, X].T
        true = MultivariateNormal(self.mean[:4] + (x - self.mean[X]) @ gain.T, exact)
        slope, top = encoder.lower.slope, encoder.log_var.exp().diag()
        mean = x @ encoder.slope.T + encoder.bias
        lower = x @ encoder.of_x.T + encoder.of_x_bias + mean @ slope.T
        below = encoder.lower.log_var.exp().diag() + slope @ top @ slope.T
        rows = [torch.cat([top, top @ slope.T], 1), torch.cat([slope @ top, below], 1)]
        return kl_divergence(MultivariateNormal(torch.cat([mean, lower], 1), torch.cat(rows)), true)

"""The Gaussian model on which gradients' signal and noise are known.

Tighter Variational Bounds are Not Necessarily Better (Rainforth et al., 2018), 1802.04537,
section 4: p(z) = N(mu, I), p(x|z) = N(z, I), q(z|x) = N(A x + b, s2 I) in D dimensions. At the
optimum mu is the mean of the data, A = I / 2 and b = mu / 2; every number of mu, A and b is then
moved by normal noise, since at the optimum itself phi's signal is 0 on average.

Gradients are taken at one x. There d/dA is d/db times x, so that the ratios of row d of A are that
of b_d and need no measuring. Every one of R draws has its own copy of mu and b, so that one
backward pass gives R independent gradients of the bounds that training uses.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vaelab.architecture.base import Decoder, Encoder
from vaelab.bound.base import Bound
from vaelab.distribution import LOG_2PI, LatentPrior
from vaelab.likelihood.gaussian import GaussianObservations
from vaelab.model import VAE
from vaelab.posterior import GaussianPosterior, Latents
from vaelab.prior.base import Prior


class ToyEncoder(Encoder):
    """x -> N(A x + b, variance I), with a copy of b for every row of x."""

    def __init__(self, weight: Tensor, bias: Float[Tensor, "R D"], variance: float) -> None:
        super().__init__()
        self.weight = weight
        self.bias = nn.Parameter(bias)
        self.log_var = math.log(variance)

    def forward(self, x: Float[Tensor, "R D"]) -> GaussianPosterior:
        """The posterior of each row."""
        mean = x @ self.weight.T + self.bias
        return GaussianPosterior(mean, torch.full_like(mean, self.log_var))


class ToyDecoder(Decoder):
    """z -> N(z, I)."""

    def forward(self, z: Latents) -> GaussianObservations:
        """p(x|z) with batch [K, R]."""
        return GaussianObservations(z[0], z[0].new_zeros(()))


class ShiftedNormal:
    """N(mu, I), with a mean for each of R columns of z."""

    def __init__(self, mean: Float[Tensor, "R D"]) -> None:
        self.mean = mean
        self.tensors = (mean,)

    def log_prob(self, z: Float[Tensor, "*K R D"]) -> Float[Tensor, "*K R"]:
        """Log-density in nats."""
        return -0.5 * ((z - self.mean).square().sum(-1) + LOG_2PI * z.shape[-1])

    def sample(self, num_samples: int) -> Float[Tensor, "N D"]:
        """Draws under the first column's mean."""
        noise = torch.randn_like(self.mean[:1].expand(num_samples, -1))
        return self.mean[:1] + noise

    def double(self) -> "ShiftedNormal":
        """The same density in float64."""
        return ShiftedNormal(self.mean.double())


class ToyPrior(Prior):
    """N(mu, I), with a copy of mu for every row of x."""

    def __init__(self, mean: Float[Tensor, "R D"]) -> None:
        super().__init__()
        self.mean = nn.Parameter(mean)

    def forward(self, encoder: nn.Module) -> LatentPrior:
        """The density, whatever the encoder."""
        return ShiftedNormal(self.mean)


@dataclass(frozen=True)
class GaussianToy:
    """One x and perturbed parameters; vectors of D numbers, float64.

    Attributes:
        x: the example.
        mean: mu, of the prior.
        weight: A, of q's mean.
        bias: b, of q's mean.
        variance: s2, of q; above 1/4, half the posterior's, or the importance weights have no
            variance.
    """

    x: Float[Tensor, "D"]
    mean: Float[Tensor, "D"]
    weight: Float[Tensor, "D D"]
    bias: Float[Tensor, "D"]
    variance: float

    posterior_variance = 0.5

    @property
    def delta(self) -> Float[Tensor, "D"]:
        """The posterior's mean (x + mu) / 2 minus q's."""
        return (self.x + self.mean) / 2 - self.q_mean

    @property
    def q_mean(self) -> Float[Tensor, "D"]:
        """A x + b."""
        return self.weight @ self.x + self.bias

    @property
    def log_px(self) -> float:
        """The log of N(x; mu, 2 I), nats."""
        squares = (self.x - self.mean).square().sum() / 2
        return -0.5 * float(squares + len(self.x) * (LOG_2PI + math.log(2)))

    @property
    def kl(self) -> float:
        """KL(q || p(z|x)), nats; log_px minus it is the ELBO."""
        r = self.variance / self.posterior_variance
        each = r - 1 - math.log(r) + self.delta.square() / self.posterior_variance
        return 0.5 * float(each.sum())

    @property
    def rho(self) -> float:
        """E_q[w^2] / E_q[w]^2: log p(x) - L_K is (rho - 1) / 2K for large K."""
        v, spread = self.posterior_variance, 2 * self.variance - self.posterior_variance
        each = math.log(self.variance) - 0.5 * math.log(v * spread) + self.delta.square() / spread
        return float(each.sum().exp())

    @property
    def elbo_phi(self) -> Float[Tensor, "D"]:
        """The derivative of the ELBO by b."""
        return self.delta / self.posterior_variance

    @property
    def elbo_theta(self) -> Float[Tensor, "D"]:
        """The derivative of the ELBO by mu, E_q[z] - mu."""
        return self.q_mean - self.mean

    @property
    def log_px_theta(self) -> Float[Tensor, "D"]:
        """The derivative of log p(x) by mu, to which that of L_K tends."""
        return (self.x - self.mean) / 2

    def iwae_phi(self, K: int) -> Float[Tensor, "D"]:
        """The derivative of L_K by b for large K, of -(rho - 1) / 2K: fades as 1 / K."""
        return self.rho * self.delta / (K * (2 * self.variance - self.posterior_variance))

    def copies(self, rows: int, like: Tensor) -> VAE:
        """The model with its own mu and b for each of `rows` rows, in the type of `like`."""

        def each(vector: Tensor) -> Tensor:
            return vector.to(like).expand(rows, -1).clone()

        encoder = ToyEncoder(self.weight.to(like), each(self.bias), self.variance)
        return VAE(encoder, ToyDecoder(), ToyPrior(each(self.mean)))

    def gradients(
        self, bound: Bound, rows: int, like: Tensor
    ) -> tuple[Float[Tensor, "R D"], Float[Tensor, "R D"]]:
        """R independent draws of the ascent direction of b (phi) and of mu (theta)."""
        vae = self.copies(rows, like)
        x = self.x.to(like).expand(rows, -1)
        terms = vae.terms(x, vae.encoder(x), bound.num_samples, log_qz=bound.log_qz)
        objective = bound(terms, 1.0)
        groups = vae.parameter_groups()
        (phi,), (theta,) = groups["phi"], groups["theta"]
        # Losses are means over the rows, whose parameters are their own.
        if objective.phi_loss is objective.theta_loss:
            found = torch.autograd.grad(objective.phi_loss, [phi, theta])
        else:
            found = (
                *torch.autograd.grad(objective.phi_loss, [phi], retain_graph=True),
                *torch.autograd.grad(objective.theta_loss, [theta]),
            )
        return -rows * found[0], -rows * found[1]


def gaussian_toy(
    dims: int, variance: float, perturbation: float, points: int, generator: torch.Generator
) -> GaussianToy:
    """Draw data, take the optimum for them, perturb it, and keep the first example.

    Args:
        dims: D.
        variance: s2.
        perturbation: standard deviation of the noise on every number of mu, A and b.
        points: examples that mu is the mean of.
        generator: of all that is drawn.
    """

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    x = normal(dims) + math.sqrt(2) * normal(points, dims)  # z and x each add variance 1
    mean = x.mean(0)
    return GaussianToy(
        x=x[0],
        mean=mean + perturbation * normal(dims),
        weight=torch.eye(dims, dtype=torch.float64) / 2 + perturbation * normal(dims, dims),
        bias=mean / 2 + perturbation * normal(dims),
        variance=variance,
    )

"""A linear-Gaussian model's own draws, whose likelihood and posterior are known in closed form.

p(z) = N(0, I), p(x|z) = N(W z + mu, sigma^2 I), so p(x) = N(mu, W W' + sigma^2 I) and
p(z|x) = N(V W' (x - mu) / sigma^2, V) with V = (I + W' W / sigma^2)^-1: probabilistic PCA
(Tipping & Bishop, 1999).
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.dataset.known_model import KnownModel, check_positive
from vaelab.dataset.normal_density import log_normal


@dataclass(frozen=True)
class ExactPosterior:
    """p(z|x) of a batch: a mean for every x, one covariance for all; float64."""

    mean: Float[Tensor, "B D"]
    covariance: Float[Tensor, "D D"]


class LinearGaussian(KnownModel):
    """Entries of W and mu are standard normal draws of `seed`, which also draws the data.

    Attributes:
        weight: W, float64 [dim, latent_dim].
        mean: mu, float64 [dim].
    """

    def __init__(
        self,
        dim: int = 10,
        latent_dim: int = 2,
        sigma: float = 1.0,
        num_train: int = 5000,
        num_valid: int = 1000,
        num_test: int = 1000,
        seed: int = 0,
    ) -> None:
        check_positive("dim", dim)
        check_positive("latent_dim", latent_dim)
        check_positive("sigma", sigma)
        self.dim = dim
        self.latent_dim = latent_dim
        self.sigma = float(sigma)
        sizes = (num_train, num_valid, num_test)
        super().__init__(sizes, self.sigma**2, seed, taken=dim * (latent_dim + 1))
        draws = np.random.RandomState(seed)
        self.weight = torch.from_numpy(draws.standard_normal((dim, latent_dim)))
        self.mean = torch.from_numpy(draws.standard_normal(dim))

    @property
    def shape(self) -> tuple[int, ...]:
        """(dim,)."""
        return (self.dim,)

    def decode(self, z: Float[Tensor, "*B d"]) -> Float[Tensor, "*B D"]:
        """W z + mu."""
        return z @ self.weight.T + self.mean

    def exact(self, x: Float[Tensor, "B D"]) -> Float[Tensor, "B"]:
        """The log of N(x; mu, W W' + sigma^2 I)."""
        scatter = self.weight @ self.weight.T
        covariance = scatter + self.noise * torch.eye(self.dim, dtype=torch.float64)
        return log_normal(x, self.mean, covariance)

    def posterior(self, x: Float[Tensor, "B D"]) -> ExactPosterior:
        """Exact p(z|x)."""
        precision = torch.eye(self.latent_dim, dtype=torch.float64)
        precision = precision + self.weight.T @ self.weight / self.sigma**2
        covariance = torch.linalg.inv(precision)
        mean = (x.double().cpu() - self.mean) @ self.weight @ covariance / self.sigma**2
        return ExactPosterior(mean, covariance)

    def provenance(self) -> dict[str, object]:
        """The model's sizes, noise and seed."""
        return {
            "dim": self.dim,
            "latent_dim": self.latent_dim,
            "sigma": self.sigma,
            "sizes": list(self.sizes),
            "seed": self.seed,
        }

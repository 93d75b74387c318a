"""A linear-Gaussian model's own draws, whose likelihood and posterior are known in closed form.

p(z) = N(0, I), p(x|z) = N(W z + mu, sigma^2 I), so p(x) = N(mu, W W' + sigma^2 I) and
p(z|x) = N(V W' (x - mu) / sigma^2, V) with V = (I + W' W / sigma^2)^-1: probabilistic PCA
(Tipping & Bishop, 1999).
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.dataset.base import Dataset, Split, Splits
from vaelab.errors import UserError
from vaelab.traits import Trait


@dataclass(frozen=True)
class ExactPosterior:
    """p(z|x) of a batch: a mean for every x, one covariance for all; float64."""

    mean: Float[Tensor, "B D"]
    covariance: Float[Tensor, "D D"]


class LinearGaussian(Dataset):
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
        self.sizes = (num_train, num_valid, num_test)
        for name, value in zip(("num_train", "num_valid", "num_test"), self.sizes, strict=True):
            _check_positive(name, value)
        _check_positive("dim", dim)
        _check_positive("latent_dim", latent_dim)
        _check_positive("sigma", sigma)
        self.dim = dim
        self.latent_dim = latent_dim
        self.sigma = float(sigma)
        self.seed = seed
        draws = np.random.RandomState(seed)
        self.weight = torch.from_numpy(draws.standard_normal((dim, latent_dim)))
        self.mean = torch.from_numpy(draws.standard_normal(dim))

    @property
    def shape(self) -> tuple[int, ...]:
        """(dim,)."""
        return (self.dim,)

    @property
    def offers(self) -> frozenset[Trait]:
        """Vectors that never change."""
        return frozenset({Trait.VECTOR, Trait.FIXED})

    def load(self) -> Splits:
        """Independent draws of x, float32."""
        draws = np.random.RandomState(self.seed)
        draws.standard_normal((self.dim, self.latent_dim + 1))  # what W and mu took
        return Splits(*(Split(self._draw(draws, count)) for count in self.sizes))

    def _draw(self, draws: np.random.RandomState, count: int) -> Tensor:
        z = torch.from_numpy(draws.standard_normal((count, self.latent_dim)))
        noise = torch.from_numpy(draws.standard_normal((count, self.dim)))
        return (z @ self.weight.T + self.mean + self.sigma * noise).float()

    def log_marginal(self, x: Float[Tensor, "B D"]) -> Float[Tensor, "B"]:
        """Density log p(x) in nats, float64."""
        scatter = self.weight @ self.weight.T
        covariance = scatter + self.sigma**2 * torch.eye(self.dim, dtype=torch.float64)
        factor = torch.linalg.cholesky(covariance)
        centred = (x.double().cpu() - self.mean).T
        whitened = torch.linalg.solve_triangular(factor, centred, upper=False)
        log_determinant = 2 * factor.diagonal().log().sum()
        squares = whitened.square().sum(0)
        return -0.5 * (squares + log_determinant + self.dim * math.log(2 * math.pi))

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


def _check_positive(name: str, value: int | float) -> None:
    if value <= 0:
        raise UserError(f"dataset.{name} must be above 0 (got {value})")

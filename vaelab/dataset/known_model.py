"""Draws of a model that is known, noise and all, and so with exact likelihoods and true codes."""

import math
from abc import abstractmethod

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.dataset.base import Dataset, Split, Splits
from vaelab.dataset.quadrature import Curve
from vaelab.errors import UserError
from vaelab.traits import Trait


class KnownModel(Dataset):
    """x = decode(z) + e, with z ~ N(0, I_d) and e ~ N(0, noise I_D).

    Args:
        sizes: examples of training, validation and test.
        noise: variance of every element of e.
        seed: of the draws.
        taken: standard normal numbers of the seed that the model itself is made of.

    Attributes:
        latent_dim: d.
    """

    offers = frozenset({Trait.VECTOR, Trait.FIXED})
    latent_dim: int

    def __init__(
        self, sizes: tuple[int, int, int], noise: float, seed: int, taken: int = 0
    ) -> None:
        for name, value in zip(("num_train", "num_valid", "num_test"), sizes, strict=True):
            check_positive(name, value)
        check_positive("noise", noise)
        if not 0 <= seed < 2**32:
            raise UserError(f"dataset.seed must be from 0 to 2**32 - 1 (got {seed})")
        self.sizes = sizes
        self.noise = float(noise)
        self.seed = seed
        self.taken = taken

    @abstractmethod
    def decode(self, z: Float[Tensor, "*B d"]) -> Float[Tensor, "*B D"]:
        """The noise-free x, float64."""

    def exact(self, x: Float[Tensor, "B D"]) -> Float[Tensor, "B"]:
        """Density log p(x) in nats to 1e-5, of float64 on the CPU; see log_marginal.

        By quadrature along the curve, for d = 1; others have ways of their own.
        """
        return Curve(self.decode, self.noise).log_density(x)

    def log_marginal(self, x: Float[Tensor, "B D"]) -> Float[Tensor, "B"]:
        """Density log p(x) in nats under the true model, float64 on the CPU, to 1e-5 nats."""
        return self.exact(x.double().cpu())

    @property
    def codes(self) -> tuple[Float[Tensor, "N d"], ...]:
        """The z of which each training, validation and test example was made, float64."""
        return tuple(z for z, _ in self._draws())

    def load(self) -> Splits:
        """Independent draws of x, float32."""
        scale = math.sqrt(self.noise)
        return Splits(*(Split((self.decode(z) + scale * e).float()) for z, e in self._draws()))

    def _draws(self) -> list[tuple[Tensor, Tensor]]:
        """z, and noise of unit variance, of each split."""
        numbers = np.random.RandomState(self.seed)
        numbers.standard_normal(self.taken)

        def draw(count: int, width: int) -> Tensor:
            return torch.from_numpy(numbers.standard_normal((count, width)))

        (dim,) = self.shape
        return [(draw(count, self.latent_dim), draw(count, dim)) for count in self.sizes]

    def provenance(self) -> dict[str, object]:
        """Sizes, noise and seed."""
        return {"sizes": list(self.sizes), "noise": self.noise, "seed": self.seed}


def check_positive(name: str, value: int | float) -> None:
    """Refuse what is not above 0.

    Raises:
        UserError: it is not.
    """
    if value <= 0:
        raise UserError(f"dataset.{name} must be above 0 (got {value})")

"""A plane in four dimensions with next to no noise around it: "Gaussian" of its paper.

Confirmed: *Characterizing and Avoiding Problematic Global Optima of Variational
Autoencoders* (Yacoby et al., 2020), 2003.07756, appendices C and E.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.dataset.known_model import KnownModel
from vaelab.dataset.normal_density import log_normal

WEIGHT = (  # A
    (-0.7074, 0.0995, 0.0286, 0.1240),
    (0.7074, 0.9948, -0.9995, 0.9920),
)


class Gaussian4(KnownModel):
    """N(0, A' A + noise I), of rank two but for the noise."""

    shape = (4,)
    latent_dim = 2

    def __init__(
        self,
        num_train: int = 500,
        num_valid: int = 500,
        num_test: int = 500,
        noise: float = 1e-6,
        seed: int = 0,
    ) -> None:
        super().__init__((num_train, num_valid, num_test), noise, seed)

    def decode(self, z: Float[Tensor, "*B d"]) -> Float[Tensor, "*B D"]:
        """The rows z' A."""
        return z @ torch.tensor(WEIGHT, dtype=torch.float64)

    def exact(self, x: Float[Tensor, "B D"]) -> Float[Tensor, "B"]:
        """The log of N(x; 0, A' A + noise I)."""
        weight = torch.tensor(WEIGHT, dtype=torch.float64)
        covariance = weight.T @ weight + self.noise * torch.eye(4, dtype=x.dtype)
        return log_normal(x, x.new_zeros(4), covariance)

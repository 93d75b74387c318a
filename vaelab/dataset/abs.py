"""A fold: x is the absolute value of z, twice, and every posterior has the modes z and -z.

After Yacoby et al. 2020 (*Failure Modes of Variational Autoencoders and Their Effects on Downstream
Tasks*, 2007.07124), constants from memory of the preprint, to be checked.
Memory also offers the absolute value of Phi(z), which folds nothing, since Phi is positive.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.dataset.known_model import KnownModel
from vaelab.dataset.normal_density import log_normal


class Abs(KnownModel):
    """A half-line with the density of |z| on it."""

    shape = (2,)
    latent_dim = 1

    def __init__(
        self,
        num_train: int = 2000,
        num_valid: int = 500,
        num_test: int = 2000,
        noise: float = 0.01,
        seed: int = 0,
    ) -> None:
        super().__init__((num_train, num_valid, num_test), noise, seed)

    def decode(self, z: Float[Tensor, "*B d"]) -> Float[Tensor, "*B D"]:
        """(|z|, |z|)."""
        return z.abs().expand(*z.shape[:-1], 2)

    def exact(self, x: Float[Tensor, "B D"]) -> Float[Tensor, "B"]:
        """Twice the density of the whole line times the posterior mass of its positive half."""
        covariance = torch.ones(2, 2, dtype=x.dtype) + self.noise * torch.eye(2, dtype=x.dtype)
        line = log_normal(x, x.new_zeros(2), covariance)
        # On the line, x = (t, t) + e, the posterior of t is N(sum(x) / (noise + 2), noise of it).
        deviation = math.sqrt(self.noise / (self.noise + 2))
        standardised = x.sum(1) / (self.noise + 2) / deviation
        return math.log(2) + line + torch.special.log_ndtr(standardised)

"""Dots along a spiral, with steep jumps between them that every decoder finds hard.

After Yacoby et al. 2020 (*Failure Modes of Variational Autoencoders and Their Effects on Downstream
Tasks*, 2007.07124), constants from memory of the preprint, to be checked.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.dataset.known_model import KnownModel


class SpiralDots(KnownModel):
    """Radius and angle are one number, t, with plateaus at 0, 2, .. 12."""

    shape = (2,)
    latent_dim = 1

    def __init__(
        self,
        num_train: int = 2000,
        num_valid: int = 500,
        num_test: int = 2000,
        noise: float = 0.08,
        seed: int = 0,
    ) -> None:
        super().__init__((num_train, num_valid, num_test), noise, seed)

    def decode(self, z: Float[Tensor, "*B d"]) -> Float[Tensor, "*B D"]:
        """(t cos t, t sin t), t = tanh(10 u - 20 k - 10) + 2 k + 1, k = floor(u / 2).

        u = 4 pi sigmoid(pi z / 2).
        """
        u = 4 * math.pi * torch.sigmoid(math.pi / 2 * z[..., 0])
        k = (u / 2).floor()
        t = (10 * u - 20 * k - 10).tanh() + 2 * k + 1
        return torch.stack([t * t.cos(), t * t.sin()], -1)

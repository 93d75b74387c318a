"""Four plateaus of the angle on a unit circle, so blurred by noise that they run together.

After Yacoby et al. 2020 (*Failure Modes of Variational Autoencoders and Their Effects on Downstream
Tasks*, 2007.07124), constants from memory of the preprint, to be checked.
A noise of 0.02 would also be a plausible memory.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.dataset.known_model import KnownModel


class Clusters(KnownModel):
    """The angle stays near 0, 4, 8 and 12 rad and is steep between."""

    shape = (2,)
    latent_dim = 1

    def __init__(
        self,
        num_train: int = 2000,
        num_valid: int = 500,
        num_test: int = 2000,
        noise: float = 0.2,
        seed: int = 0,
    ) -> None:
        super().__init__((num_train, num_valid, num_test), noise, seed)

    def decode(self, z: Float[Tensor, "*B d"]) -> Float[Tensor, "*B D"]:
        """(cos t, sin t), t = 2 tanh(10 u - 20 k - 10) + 4 k + 2, k = floor(u / 2).

        u = 2 pi sigmoid(pi z / 2).
        """
        u = 2 * math.pi * torch.sigmoid(math.pi / 2 * z[..., 0])
        k = (u / 2).floor()
        t = 2 * (10 * u - 20 * k - 10).tanh() + 4 * k + 2
        return torch.stack([t.cos(), t.sin()], -1)

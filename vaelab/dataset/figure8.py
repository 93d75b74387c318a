"""A lemniscate whose middle and both ends meet at the crossing: posteriors there have three modes.

After Yacoby et al. 2020 (*Failure Modes of Variational Autoencoders and Their Effects on Downstream
Tasks*, 2007.07124), constants from memory of the preprint, to be checked.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.dataset.known_model import KnownModel


class Figure8(KnownModel):
    """One turn and a little less than the whole of the figure, by the normal CDF of z."""

    shape = (2,)
    latent_dim = 1

    def __init__(
        self,
        num_train: int = 2000,
        num_valid: int = 500,
        num_test: int = 2000,
        noise: float = 0.02,
        seed: int = 0,
    ) -> None:
        super().__init__((num_train, num_valid, num_test), noise, seed)

    def decode(self, z: Float[Tensor, "*B d"]) -> Float[Tensor, "*B D"]:
        """(cos u / sqrt 2, sqrt 2 cos u sin u) / (sin^2 u + 1) with u = (0.6 + 1.8 Phi(z)) pi."""
        u = (0.6 + 1.8 * torch.special.ndtr(z[..., 0])) * math.pi
        sine, cosine = u.sin(), u.cos()
        root = math.sqrt(2)
        xs = torch.stack([cosine / root, root * cosine * sine], -1)
        return xs / (sine.square() + 1)[..., None]

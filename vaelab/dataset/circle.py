"""The unit circle, which one latent dimension must cut open.

After Yacoby et al. 2020 (*Failure Modes of Variational Autoencoders and Their Effects on Downstream
Tasks*, 2007.07124), constants from memory of the preprint, to be checked.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.dataset.known_model import KnownModel


class Circle(KnownModel):
    """The angle is the normal CDF of z, in turns."""

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
        """(cos u, sin u) with u = 2 pi Phi(z)."""
        u = 2 * math.pi * torch.special.ndtr(z[..., 0])
        return torch.stack([u.cos(), u.sin()], -1)

    def exact(self, x: Float[Tensor, "B D"]) -> Float[Tensor, "B"]:
        """Of a uniform angle: exp(-(r^2 + 1) / (2 noise)) I_0(r / noise) / (2 pi noise)."""
        radius = x.norm(dim=1)
        # i0e is I_0 scaled by exp(-r / noise), which makes the square of r - 1 whole.
        bessel = torch.special.i0e(radius / self.noise).log()
        square = (radius - 1).square() / (2 * self.noise)
        return bessel - square - math.log(2 * math.pi * self.noise)

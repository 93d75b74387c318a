"""A Moebius map of the plane, read as complex numbers.

Confirmed: *Characterizing and Avoiding Problematic Global Optima of Variational
Autoencoders* (Yacoby et al., 2020), 2003.07756, appendices C and E. The paper's x is of a neural
network fitted to the map, which is not published: this is the map itself.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.dataset.known_model import KnownModel
from vaelab.dataset.quadrature import by_rows, settled, trapezoid

B, D = complex(1, 4), complex(7, 4)  # and a = c = 1
FAR = 8.0  # modulus of z from which a search of the posterior's mode may start
SEARCH = 30  # steps of it; from inside the prior's mass 5 are enough


class Mobius(KnownModel):
    """x = (Re, Im) of (z + b) / (z + d), and noise."""

    shape = (2,)
    latent_dim = 2

    def __init__(
        self,
        num_train: int = 500,
        num_valid: int = 500,
        num_test: int = 500,
        noise: float = 1e-5,
        seed: int = 0,
    ) -> None:
        super().__init__((num_train, num_valid, num_test), noise, seed)

    def decode(self, z: Float[Tensor, "*B d"]) -> Float[Tensor, "*B D"]:
        """Real and imaginary part of (z + 1 + 4i) / (z + 7 + 4i)."""
        return torch.view_as_real(_mobius(torch.view_as_complex(z.contiguous())))

    def exact(self, x: Float[Tensor, "B D"]) -> Float[Tensor, "B"]:
        """On a grid around each posterior's mode, in units of its width."""
        w = torch.view_as_complex(x.contiguous())
        mode, width = self._mode(w)

        def rule(count: int) -> Tensor:
            reach = torch.tensor([math.sqrt(2 * count)], dtype=x.dtype)  # 8 with 32 steps a side
            unit, log_step = trapezoid(torch.zeros_like(reach), reach, count)
            grid = torch.complex(*torch.meshgrid(unit[0], unit[0], indexing="ij")).flatten()

            def integral(w: Tensor, mode: Tensor, width: Tensor) -> Tensor:
                z = mode[:, None] + width[:, None] * grid
                misfit = _square(w[:, None] - _mobius(z)) / self.noise
                exponent = -0.5 * (_square(z) + misfit)
                return exponent.logsumexp(1) + 2 * (width.log() + log_step)

            constant = 2 * math.log(2 * math.pi) + math.log(self.noise)
            return by_rows(integral, len(grid), w, mode, width) - constant

        return settled(rule, 16)

    def _mode(self, w: Tensor) -> tuple[Tensor, Tensor]:
        """Mode and standard deviation of p(z|x), by steps of Gauss and Newton from the preimage."""
        z = (B - w * D) / (w - 1)
        z = z * (FAR / z.abs()).clamp(max=1)
        for _ in range(SEARCH):
            slope = (D - B) / (z + D).square()
            precision = 1 + _square(slope) / self.noise
            z = slope.conj() * (w - _mobius(z) + slope * z) / self.noise / precision
        slope = (D - B) / (z + D).square()
        return z, (1 + _square(slope) / self.noise).rsqrt()


def _mobius(z: Tensor) -> Tensor:
    return (z + B) / (z + D)


def _square(z: Tensor) -> Tensor:
    """The squared modulus; that of abs() would take a root first."""
    return torch.view_as_real(z).square().sum(-1)

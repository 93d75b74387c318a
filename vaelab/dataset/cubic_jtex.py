"""CubicJTEx: LinearJTEx with every element of x cubed before the noise.

Confirmed: *Characterizing and Avoiding Problematic Global Optima of Variational
Autoencoders* (Yacoby et al., 2020), 2003.07756, appendices C and E. The paper calls its
likelihoods on it unreliable: near x = 0 the cube is flat, far out it is steep.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.dataset.known_model import KnownModel
from vaelab.dataset.linear_jtex import factor
from vaelab.dataset.normal_density import log_normal
from vaelab.dataset.quadrature import by_rows, settled, trapezoid


class CubicJtex(KnownModel):
    """x = y^3 + e with y = Chol(A A' + B) z."""

    shape = (2,)
    latent_dim = 2

    def __init__(
        self,
        num_train: int = 500,
        num_valid: int = 500,
        num_test: int = 500,
        noise: float = 0.004,
        seed: int = 0,
    ) -> None:
        super().__init__((num_train, num_valid, num_test), noise, seed)

    def decode(self, z: Float[Tensor, "*B d"]) -> Float[Tensor, "*B D"]:
        """(Chol(A A' + B) z)^3, elementwise."""
        return (z @ factor().T).pow(3)

    def exact(self, x: Float[Tensor, "B D"]) -> Float[Tensor, "B"]:
        """Over y, of which the likelihood is a product: a window around each cube root of x."""
        covariance = factor() @ factor().T
        precision = torch.linalg.inv(covariance)
        # Outside a window of k deviations the integrand is exp(-k^2 / 2) of the likelihood's
        # greatest; inside it is at least the prior at the cube roots. 40 nats lie between.
        energy = -log_normal(_cube_root(x), x.new_zeros(2), covariance)
        reach = (2 * self.noise * (energy.clamp(min=0) + 40)).sqrt()[:, None]
        low, high = _cube_root(x - reach), _cube_root(x + reach)
        log_normaliser = 0.5 * torch.logdet(precision) - 2 * math.log(2 * math.pi * self.noise**0.5)

        def rule(count: int) -> Tensor:
            def integral(x: Tensor, low: Tensor, high: Tensor) -> Tensor:
                (first, one), (second, two) = (
                    _weighted(x[:, j], low[:, j], high[:, j], count, self.noise, precision[j, j])
                    for j in (0, 1)
                )
                coupling = precision[0, 1] * first[:, :, None] * second[:, None, :]
                return (one[:, :, None] + two[:, None, :] - coupling).flatten(1).logsumexp(1)

            return by_rows(integral, (count + 1) ** 2, x, low, high) + log_normaliser

        return settled(rule, 48)


def _weighted(
    x: Float[Tensor, "B"],
    low: Float[Tensor, "B"],
    high: Float[Tensor, "B"],
    count: int,
    noise: float,
    precision: Float[Tensor, ""],
) -> tuple[Float[Tensor, "B G"], Float[Tensor, "B G"]]:
    """Nodes of one element of y and, in logs, their weight: step, likelihood, its own prior."""
    y, log_step = trapezoid((low + high) / 2, (high - low) / 2, count)
    square = (x[:, None] - y.pow(3)).square() / noise + precision * y.square()
    return y, log_step[:, None] - 0.5 * square


def _cube_root(x: Tensor) -> Tensor:
    return x.sign() * x.abs().pow(1 / 3)

"""A saddle in three dimensions: a plane of codes that no principal axes unfold.

Of our own making, from no paper.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.dataset.known_model import KnownModel
from vaelab.dataset.quadrature import by_rows, settled, trapezoid
from vaelab.distribution import LOG_2PI


class Saddle(KnownModel):
    """x = (z1, z2, (z1^2 - z2^2) / 2) + e."""

    shape = (3,)
    latent_dim = 2

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
        """(z1, z2, (z1^2 - z2^2) / 2)."""
        height = (z[..., 0].square() - z[..., 1].square()) / 2
        return torch.cat([z, height[..., None]], -1)

    def exact(self, x: Float[Tensor, "B D"]) -> Float[Tensor, "B"]:
        """Over one dimension: turned by 45 degrees the height is a b, given a it is linear in b.

        Given x1 and x2, a and b are N(mean, v) with v = noise / (1 + noise), and so
        x3 | a is N(a mean_b, a^2 v + noise).
        """
        mean_a = (x[:, 0] + x[:, 1]) / math.sqrt(2) / (1 + self.noise)
        mean_b = (x[:, 0] - x[:, 1]) / math.sqrt(2) / (1 + self.noise)
        v = self.noise / (1 + self.noise)

        def log_height(a: Tensor, mean_b: Tensor, height: Tensor) -> Tensor:
            variance = a.square() * v + self.noise
            square = (height - a * mean_b).square() / variance
            return -0.5 * (square + variance.log() + LOG_2PI)

        # In units of v the prior of a falls by t^2 / 2, and nothing rises above a density of
        # x3 without misfit: 40 nats below the middle nothing is left.
        best = -0.5 * (math.log(self.noise) + LOG_2PI)
        reach = (2 * (best - log_height(mean_a, mean_b, x[:, 2]) + 40)).sqrt()

        def rule(count: int) -> Tensor:
            def integral(*rows: Tensor) -> Tensor:
                mean_a, mean_b, height, reach = rows
                t, log_step = trapezoid(torch.zeros_like(reach), reach, count)
                a = mean_a[:, None] + math.sqrt(v) * t
                exponent = log_height(a, mean_b[:, None], height[:, None]) - 0.5 * t.square()
                return exponent.logsumexp(1) + log_step - 0.5 * LOG_2PI

            return by_rows(integral, count + 1, mean_a, mean_b, x[:, 2], reach)

        square = x[:, :2].square().sum(1) / (1 + self.noise)
        return settled(rule, 64) - 0.5 * square - LOG_2PI - math.log1p(self.noise)

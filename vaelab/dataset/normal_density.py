"""The density of a multivariate normal distribution."""

import math

import torch
from jaxtyping import Float
from torch import Tensor


def log_normal(
    x: Float[Tensor, "B D"], mean: Float[Tensor, "D"], covariance: Float[Tensor, "D D"]
) -> Float[Tensor, "B"]:
    """The log of N(x; mean, covariance) in nats."""
    factor = torch.linalg.cholesky(covariance)
    whitened = torch.linalg.solve_triangular(factor, (x - mean).T, upper=False)
    log_determinant = 2 * factor.diagonal().log().sum()
    squares = whitened.square().sum(0)
    return -0.5 * (squares + log_determinant + len(mean) * math.log(2 * math.pi))

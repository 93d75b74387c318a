"""Effective sample size of importance weights: (sum w)^2 / sum w^2, between 1 and S."""

from jaxtyping import Float
from torch import Tensor

from vaelab.evaluation.streaming import LogSumExp


def ess(weights: LogSumExp, squares: LogSumExp) -> Float[Tensor, "B"]:
    """From log sum w and log sum w^2 of each example: S for equal weights, 1 for one that rules.

    Biased upwards while S is too small to have met the large weights.
    """
    return (2 * weights.total - squares.total).exp()

"""Importance weights of M groups of K samples, in log space: what the multi-sample bounds share."""

import math

from jaxtyping import Float
from torch import Tensor

from vaelab.bound.base import Bound, Objective
from vaelab.errors import UserError
from vaelab.model import Terms


def check_counts(**counts: int) -> None:
    """Refuse a number of samples or of groups below 1.

    Raises:
        UserError: naming the setting.
    """
    for name, count in counts.items():
        if count < 1:
            raise UserError(f"bound.{name}={count}: must be at least 1")


class Grouped(Bound):
    """A bound with M K samples of each example, in M groups.

    Args:
        M: groups.
        K: samples of each.
    """

    def __init__(self, M: int, K: int) -> None:
        check_counts(M=M, K=K)
        self.M = M
        self.num_samples = M * K


def grouped(values: Float[Tensor, "T B"], groups: int) -> Float[Tensor, "M K B"]:
    """The T samples as M groups of K = T / M consecutive ones: independent, so any will do."""
    return values.unflatten(0, (groups, -1))


def log_mean_exp(log_w: Float[Tensor, "*M K B"]) -> Float[Tensor, "*M B"]:
    """The logarithm of (1/K) sum_k exp(log_w_k), over the axis before the last."""
    return log_w.logsumexp(-2) - math.log(log_w.shape[-2])


def miwae(log_w: Float[Tensor, "M K B"]) -> Float[Tensor, "B"]:
    """Mean over groups of their log-mean-exp: an estimate of L_K, with 1/M of its variance."""
    return log_mean_exp(log_w).mean(0)


def both(terms: Terms, beta: float, groups: int) -> tuple[Tensor, Tensor]:
    """Log-weights [M, K, B] at beta = 1, which are logged, and at `beta`, which are descended."""
    at_one = grouped(terms.log_w(), groups)
    return at_one, at_one if beta == 1 else grouped(terms.log_w(beta), groups)


def normalised(log_w: Float[Tensor, "M K B"]) -> Float[Tensor, "M K B"]:
    """Weights w_k / sum_k w_k of each group, detached.

    Every estimator that uses them has their derivative in its formula already.
    """
    return log_w.detach().softmax(-2)


def surrogate(at_one: Float[Tensor, "M K B"], log_w: Float[Tensor, "M K B"]) -> Objective:
    """Minus sum_k w_k log w_k with the weights held constant, for both groups.

    Its gradient is the bound's wherever log_w depends on a parameter; its number is another.
    """
    loss = -(normalised(log_w) * log_w).sum(1).mean()
    minus_bound = -miwae(log_w.detach()).mean()
    return Objective(miwae(at_one).detach(), loss, loss, minus_bound=minus_bound)

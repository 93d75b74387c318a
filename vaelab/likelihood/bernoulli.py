"""Bernoulli pixels from logits."""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from vaelab.distribution import at_least_float32
from vaelab.errors import UserError
from vaelab.likelihood.base import Likelihood
from vaelab.traits import Trait


class BernoulliPixels:
    """p(x|z) = prod_i Bernoulli(x_i; sigmoid(logits_i))."""

    def __init__(self, logits: Float[Tensor, "K B *event"]) -> None:
        self.logits = logits

    @property
    def mean(self) -> Float[Tensor, "K B *event"]:
        """Probabilities."""
        return torch.sigmoid(self.logits)

    def log_prob(self, x: Float[Tensor, "B *event"]) -> Float[Tensor, "K B"]:
        """Sum over pixels of x log p + (1 - x) log(1 - p) = x l - log(1 + e^l)."""
        # One fused kernel; its "target" may be any number in [0, 1].
        target = x.to(self.logits.dtype).expand_as(self.logits)
        loss = F.binary_cross_entropy_with_logits(self.logits, target, reduction="none")
        return -loss.flatten(2).sum(-1)

    def expected_log_prob(
        self, mean: Float[Tensor, "B *event"], variance: Float[Tensor, "B *event"]
    ) -> Float[Tensor, "K B"]:
        """E log p(x|z) over any x with these moments: exact, log p is linear in x."""
        return self.log_prob(mean)

    def sample(self) -> Float[Tensor, "K B *event"]:
        """Binary images."""
        return torch.bernoulli(self.mean)


class Bernoulli(Likelihood):
    """Independent Bernoulli pixels.

    Args:
        clamp: keep probabilities in [clamp, 1 - clamp], as VampPrior's code does with 1e-5 (its
            gradient vanishes outside too); null: no clamp.
    """

    num_params = 1
    discrete = True
    collapses = True
    needs = frozenset({Trait.BINARY})

    def __init__(self, clamp: float | None) -> None:
        if clamp is not None and not 0 < clamp < 0.5:
            raise UserError(f"likelihood.clamp={clamp}: must lie between 0 and 0.5, or be null")
        self.limit = math.log1p(-clamp) - math.log(clamp) if clamp is not None else None

    def __call__(self, params: Float[Tensor, "K B 1 *event"]) -> BernoulliPixels:
        """Logits to pixels."""
        logits = at_least_float32(params.squeeze(2))
        if self.limit is not None:
            # sigmoid is monotone: clamping the logit is clamping the probability.
            logits = logits.clamp(-self.limit, self.limit)
        return BernoulliPixels(logits)

"""Gaussian observations with a fixed or a predicted scale."""

import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.distribution import LOG_2PI, at_least_float32
from vaelab.errors import UserError
from vaelab.likelihood.base import Likelihood


class GaussianObservations:
    """p(x|z) = N(x; mean, exp(2 log_scale)), independent over the event."""

    def __init__(self, mean: Float[Tensor, "K B *event"], log_scale: Tensor) -> None:
        self.mean = mean
        self.log_scale = log_scale

    def log_prob(self, x: Float[Tensor, "B *event"]) -> Float[Tensor, "K B"]:
        """Log-density in nats (not a probability: no bits per dimension)."""
        standardised = (x - self.mean) * torch.exp(-self.log_scale)
        each = -0.5 * (standardised.square() + LOG_2PI) - self.log_scale
        return each.flatten(2).sum(-1)

    def expected_log_prob(
        self, mean: Float[Tensor, "B *event"], variance: Float[Tensor, "B *event"]
    ) -> Float[Tensor, "K B"]:
        """E log p(x|z) over any x with these moments: exact, log p is quadratic in x."""
        spread = variance * torch.exp(-2 * self.log_scale)
        return self.log_prob(mean) - 0.5 * spread.expand_as(self.mean).flatten(2).sum(-1)

    def sample(self) -> Float[Tensor, "K B *event"]:
        """One draw of x for each z."""
        return self.mean + torch.exp(self.log_scale) * torch.randn_like(self.mean)


class Gaussian(Likelihood):
    """Independent Gaussian observations.

    Args:
        scale: standard deviation of every element; null: the decoder predicts one for each.
    """

    discrete = False
    collapses = True

    def __init__(self, scale: float | None) -> None:
        if scale is not None and scale <= 0:
            raise UserError(f"likelihood.scale={scale}: must be above 0, or null to learn it")
        self.scale = scale
        self.num_params = 1 if scale is not None else 2

    def __call__(self, params: Float[Tensor, "K B P *event"]) -> GaussianObservations:
        """Means and, if predicted, log-scales clamped to [-7, 7] against overflow."""
        params = at_least_float32(params)
        mean = params[:, :, 0]
        if self.scale is None:
            return GaussianObservations(mean, params[:, :, 1].clamp(-7, 7))
        return GaussianObservations(mean, mean.new_tensor(self.scale).log())

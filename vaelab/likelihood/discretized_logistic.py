"""256 grey levels under a discretised logistic, as VampPrior (1705.07120) uses for grey images.

The paper's code leaves the first and last bin closed, so its masses do not sum to one, and adds
1e-7 to every mass; both are its defaults here and settings.
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from vaelab.distribution import at_least_float32
from vaelab.errors import UserError
from vaelab.likelihood.base import Likelihood
from vaelab.traits import Trait

BINS = 256
BIN = 1 / BINS


class LogisticPixels:
    """Mass of the bin of width 1/256 that holds x, under logistic(mean, exp(log_scale))."""

    def __init__(
        self,
        mean: Float[Tensor, "K B *event"],
        log_scale: Float[Tensor, "K B *event"],
        open_edges: bool,
        floor: float,
    ) -> None:
        self.mean = mean
        self.log_scale = log_scale
        self.open_edges = open_edges
        self.floor = floor

    def log_prob(self, x: Float[Tensor, "B *event"]) -> Float[Tensor, "K B"]:
        """Mass s(u) - s(l) of the bin from l to u, s the sigmoid, in log space and summed.

        log [s(u) - s(l)] = log s(u) + log s(-l) + log(1 - e^(l - u)), whose right-hand side does
        not cancel where the difference would underflow.
        """
        left = torch.floor(x / BIN) * BIN
        inverse_scale = torch.exp(-self.log_scale)
        lower = (left - self.mean) * inverse_scale
        upper = lower + BIN * inverse_scale
        below, above = F.logsigmoid(upper), F.logsigmoid(-lower)
        log_mass = below + above + torch.log(-torch.expm1(-BIN * inverse_scale))
        if self.open_edges:
            log_mass = torch.where(left <= 0, below, log_mass)
            # x = 1 lies in the last bin too, not in one of its own beyond it.
            above = F.logsigmoid((self.mean - left.clamp(max=1 - BIN)) * inverse_scale)
            log_mass = torch.where(left >= 1 - BIN, above, log_mass)
        if self.floor > 0:
            log_mass = torch.logaddexp(log_mass, log_mass.new_tensor(math.log(self.floor)))
        return log_mass.flatten(2).sum(-1)

    def sample(self) -> Float[Tensor, "K B *event"]:
        """Logistic draws cut to the lower edge of their bin, clipped to [0, 1)."""
        u = torch.rand_like(self.mean).clamp(1e-6, 1 - 1e-6)  # the logit of 0 or 1 is infinite
        draw = self.mean + torch.exp(self.log_scale) * torch.logit(u)
        return (torch.floor(draw / BIN) * BIN).clamp(0, 1 - BIN)


class DiscretizedLogistic(Likelihood):
    """Independent grey pixels in [0, 1] with a mean and a scale each.

    Args:
        open_edges: give the first and last bin everything beyond them, so that the 256 masses
            sum to one; the paper's numbers are without.
        floor: added to every mass (the paper's code: 1e-7); 0 for none.
    """

    num_params = 2
    discrete = True
    needs = frozenset({Trait.UNIT_INTERVAL})

    def __init__(self, open_edges: bool, floor: float) -> None:
        if floor < 0:
            raise UserError(f"likelihood.floor={floor}: must be 0 (none) or more")
        self.open_edges = open_edges
        self.floor = floor

    def __call__(self, params: Float[Tensor, "K B 2 *event"]) -> LogisticPixels:
        """Means (sigmoids) in [1/512, 1 - 1/512], log-scales in [-4.5, 0]: the authors' clamps."""
        mean, log_scale = at_least_float32(params).unbind(2)
        mean = torch.sigmoid(mean).clamp(BIN / 2, 1 - BIN / 2)
        return LogisticPixels(mean, F.hardtanh(log_scale, -4.5, 0.0), self.open_edges, self.floor)

"""Negative log-likelihood by importance sampling.

Importance Weighted Autoencoders (Burda et al., 2015), 1509.00519, equation 8, at evaluation time:
-[log sum_s w_s - log S] per example, w_s = p(x, z_s) / q(z_s|x): in expectation an upper bound of
-log p(x) that falls to it as S grows. S is the number of samples drawn, however they were split.
"""

import math

from jaxtyping import Float
from torch import Tensor

from vaelab.errors import UserError
from vaelab.evaluation.streaming import LogSumExp


def nll(weights: LogSumExp) -> Float[Tensor, "B"]:
    """-log (1/S sum_s w_s), nats per example."""
    return math.log(weights.count) - weights.total


def check_finite(value: Float[Tensor, "B"], index: Tensor, name: str) -> None:
    """Refuse an example no sample of which has a usable weight.

    Raises:
        UserError: naming the row of the split; log-weights were all -inf, or one was NaN or +inf.
    """
    bad = (~value.isfinite()).nonzero().flatten()
    if len(bad) > 0:
        raise UserError(
            f"{name} row {int(index[bad[0]])}: its importance weights are all 0, or one is not a "
            f"number ({len(bad)} of {len(value)} examples here); the model has diverged, or the "
            "data lie outside what the likelihood gives mass to"
        )

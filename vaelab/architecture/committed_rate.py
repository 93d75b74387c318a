"""A posterior that cannot reach the prior: the committed rate of delta-VAEs.

After Preventing Posterior Collapse with delta-VAEs (Razavi et al., 2019), 1901.03416; its form for
one vector of independent latents under a standard normal prior is derived here:
KL(N(m, v) || N(0, 1)) = (m^2 + v - log v - 1) / 2 is at least (v - log v - 1) / 2, which falls in v
up to 1. A variance kept below the v where that is rate / D commits all D dimensions to the rate.
"""

import math

from scipy.special import lambertw

from vaelab.traits import Trait


class CommittedRate:
    """KL(q(z|x) || p(z)) is at least `rate` nats for every x.

    Args:
        rate: delta.
    """

    needs = frozenset({Trait.LOCAL_POSTERIOR, Trait.ANALYTIC_KL, Trait.AMORTISED})

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def log_var(self, dim: int) -> float:
        """The largest log-variance, the same for each of `dim` dimensions.

        v - log v = 1 + 2 rate / dim below 1 is v = -W0(-exp(-(1 + 2 rate / dim))).
        """
        level = 1 + 2 * self.rate / dim
        w = -lambertw(-math.exp(-level)).real
        return math.log(w) if w > 0 else -level  # v vanishes beside log v

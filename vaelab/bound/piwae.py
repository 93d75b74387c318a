"""PIWAE: Tighter Variational Bounds are Not Necessarily Better (Rainforth et al., 2018).

1802.04537: one set of M K samples; theta ascends IWAE(M K), the tighter bound, and phi
MIWAE(M, K), whose gradient has the higher signal-to-noise ratio.
"""

from vaelab.bound.base import Objective
from vaelab.bound.weights import Grouped, both, log_mean_exp, miwae
from vaelab.model import Terms


class Piwae(Grouped):
    """IWAE(M K) for theta, MIWAE(M, K) for phi, from one forward pass.

    With a prior made of the encoder, the encoder follows its own objective in the prior too.

    Args:
        M: groups that phi's objective averages; 1 is IWAE(K) for both.
        K: samples of a group; 1 gives phi the ELBO's gradient from M samples.
    """

    separate = True
    two_values = True

    def __call__(self, terms: Terms, beta: float) -> Objective:
        """`value` is IWAE(M K), `phi_value` MIWAE(M, K)."""
        at_one, log_w = both(terms, beta, self.M)
        return Objective(
            value=log_mean_exp(at_one.flatten(0, 1)).detach(),
            phi_loss=-miwae(log_w).mean(),
            theta_loss=-log_mean_exp(log_w.flatten(0, 1)).mean(),
            phi_value=miwae(at_one).detach(),
        )

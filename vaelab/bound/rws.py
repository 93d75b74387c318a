"""Reweighted Wake-Sleep (Bornschein & Bengio, 2014), 1406.2751; wake-wake as in Le et al. (2018).

theta ascends IWAE(K); phi descends KL(p(z|x) || q(z|x)), estimated with self-normalised weights at
fixed samples (1805.10469: the wake phase for phi). The samples need no derivative.
"""

from vaelab.bound.base import Objective
from vaelab.bound.weights import Grouped, both, grouped, miwae, normalised
from vaelab.errors import UserError
from vaelab.model import Terms
from vaelab.posterior import LogQ
from vaelab.traits import Trait


class Rws(Grouped):
    """IWAE(K) averaged over M groups for theta; sum_k w_k log q(z_k|x) for phi.

    Phi's target is the model's posterior, which no KL weight enters: its weights are those at
    beta = 1.

    Args:
        M: groups whose estimates are averaged.
        K: samples of a group; at least 2, since with one the weight is 1 and phi's gradient zero
            in mean.
    """

    log_qz: LogQ = "score"
    separate = True

    def __init__(self, M: int, K: int) -> None:
        super().__init__(M, K)
        if K == 1:
            raise UserError(
                "bound.K=1: with one sample the encoder's gradient is zero in mean; choose "
                "bound.K=2 or more"
            )

    @property
    def needs(self) -> frozenset[Trait]:
        """A prior that phi's objective leaves alone."""
        return frozenset({Trait.OWN_PRIOR})

    def __call__(self, terms: Terms, beta: float) -> Objective:
        """`value` is IWAE(K), which theta ascends."""
        at_one, log_w = both(terms, beta, self.M)
        bound = miwae(log_w)
        wake = (normalised(at_one) * grouped(terms.log_qz, self.M)).sum(1)
        return Objective(
            value=miwae(at_one).detach(),
            phi_loss=-wake.mean(),
            theta_loss=-bound.mean(),
            minus_bound=-bound.detach().mean(),
        )

"""MIWAE: Tighter Variational Bounds are Not Necessarily Better (Rainforth et al., 2018).

1802.04537: M independent estimates of L_K are averaged. The target is that of IWAE(K);
the variance of every gradient falls with M.
"""

from vaelab.bound.base import Objective
from vaelab.bound.weights import Grouped, both, miwae
from vaelab.model import Terms
from vaelab.traits import Trait


class Miwae(Grouped):
    """(1/M) sum_m log (1/K) sum_k w_mk.

    Args:
        M: groups, whose log-mean-exps are averaged; 1 is IWAE(K).
        K: samples of a group, inside its logarithm; 1 is the ELBO from M samples.
    """

    offers = frozenset({Trait.MANY_SAMPLES})

    def __call__(self, terms: Terms, beta: float) -> Objective:
        """Minus the mean over groups of log-mean-exp."""
        at_one, log_w = both(terms, beta, self.M)
        loss = -miwae(log_w).mean()
        return Objective(miwae(at_one).detach(), loss, loss)

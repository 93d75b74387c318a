"""Importance Weighted Autoencoders (Burda, Grosse & Salakhutdinov, 2015), 1509.00519.

The gradient is autograd's own through the log-mean-exp, whose softmax weights appear by
themselves; the sum of weights times log-weights has the same gradient and is not the bound.
"""

from vaelab.bound.base import Bound, Objective
from vaelab.bound.weights import both, check_counts, miwae
from vaelab.model import Terms
from vaelab.traits import Trait


class Iwae(Bound):
    """L_K = E log (1/K) sum_k p(x,z_k) / q(z_k|x), z_k ~ q(z|x).

    Args:
        K: samples inside the logarithm; 1 is the ELBO.
    """

    offers = frozenset({Trait.MANY_SAMPLES})

    def __init__(self, K: int) -> None:
        check_counts(K=K)
        self.num_samples = K

    def __call__(self, terms: Terms, beta: float) -> Objective:
        """Minus log-mean-exp of log p(x|z) + beta (log p(z) - log q(z|x))."""
        at_one, log_w = both(terms, beta, 1)
        loss = -miwae(log_w).mean()
        return Objective(miwae(at_one).detach(), loss, loss)

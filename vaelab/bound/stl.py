"""Sticking the Landing (Roeder, Wu & Duvenaud, 2017), 1703.09194, for importance-weighted bounds.

The score term of each sample's gradient is dropped: log q(z|x) with phi frozen (its weights, not
only its statistics, so that the derivative through z stays at every latent level). Zero for every
sample at the true posterior. Unbiased for K = 1; for K > 1 its mean is the bound's gradient plus
that of the reweighted wake phase (Tucker et al., 2018, 1810.04152).
"""

from vaelab.bound.base import Objective
from vaelab.bound.weights import Grouped, both, surrogate
from vaelab.model import Terms
from vaelab.posterior import LogQ


class Stl(Grouped):
    """IWAE(K) averaged over M groups; phi has sum_k w_k d log w_k / dz dz/dphi.

    Args:
        M: groups whose bounds are averaged.
        K: samples inside the logarithm.
    """

    log_qz: LogQ = "path"

    def __call__(self, terms: Terms, beta: float) -> Objective:
        """The surrogate sum_k w_k log w_k with the weights held constant."""
        at_one, log_w = both(terms, beta, self.M)
        return surrogate(at_one, log_w)

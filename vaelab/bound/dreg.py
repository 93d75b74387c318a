"""Doubly Reparameterized Gradient Estimators (Tucker, Lawson, Gu & Maddison, 2018), 1810.04152.

The score term of the importance-weighted gradient, reparameterised once more, makes phi's gradient
sum_k w_k^2 d log w_k / dz dz/dphi: unbiased, zero for every sample at the true posterior, and its
signal-to-noise ratio grows with K.

With a KL weight beta the weights are tempered and the same derivation gives each path the factor
w_k ((1 - beta) + beta w_k). What phi does to the densities other than through z (a prior made of
the encoder) has the factor w_k, as theta has: the plain gradient at fixed samples. So one
surrogate sum_k w_k log w_k serves all parameters, and a hook on z adds the second factor to what
passes through the samples. The hook is on copies of them (`Terms.z`): with two latent levels the
path of one through the other must not meet it twice.
"""

from vaelab.bound.base import Objective
from vaelab.bound.weights import Grouped, both, normalised, surrogate
from vaelab.model import Terms
from vaelab.posterior import LogQ


class Dreg(Grouped):
    """IWAE(K) averaged over M groups, with the doubly reparameterised gradient for phi.

    Args:
        M: groups whose bounds are averaged.
        K: samples inside the logarithm.
    """

    log_qz: LogQ = "path"

    def __call__(self, terms: Terms, beta: float) -> Objective:
        """The surrogate sum_k w_k log w_k with the weights held constant; hooks z."""
        at_one, log_w = both(terms, beta, self.M)
        weights = normalised(log_w)
        second = ((1 - beta) + beta * weights).flatten(0, 1).unsqueeze(-1)  # [T, B, 1]
        for level in terms.z:
            if level.requires_grad:
                level.register_hook(lambda gradient: gradient * second)
        return surrogate(at_one, log_w)

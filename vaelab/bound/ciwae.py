"""CIWAE: Tighter Variational Bounds are Not Necessarily Better (Rainforth et al., 2018).

1802.04537: a convex combination of ELBO and IWAE(K) of the same K samples. The ELBO's
share of the gradient does not fade as K grows.
"""

from jaxtyping import Float
from torch import Tensor

from vaelab.bound.base import Bound, Objective
from vaelab.bound.weights import check_counts, log_mean_exp
from vaelab.errors import UserError
from vaelab.model import Terms


class Ciwae(Bound):
    """b mean_k log w_k + (1 - b) log (1/K) sum_k w_k, with b = elbo_weight.

    Args:
        K: samples of both terms.
        elbo_weight: the paper's beta (not the KL weight): 1 is the ELBO, 0 is IWAE(K).
    """

    def __init__(self, K: int, elbo_weight: float) -> None:
        check_counts(K=K)
        if not 0 <= elbo_weight <= 1:
            raise UserError(f"bound.elbo_weight={elbo_weight:g}: must lie between 0 and 1")
        self.num_samples = K
        self.elbo_weight = elbo_weight

    def __call__(self, terms: Terms, beta: float) -> Objective:
        """Minus the combination."""
        at_one = self.combined(terms.log_w())
        bound = at_one if beta == 1 else self.combined(terms.log_w(beta))
        loss = -bound.mean()
        return Objective(at_one.detach(), loss, loss)

    def combined(self, log_w: Float[Tensor, "K B"]) -> Float[Tensor, "B"]:
        """The combination for each example."""
        iwae = log_mean_exp(log_w)
        return self.elbo_weight * log_w.mean(0) + (1 - self.elbo_weight) * iwae

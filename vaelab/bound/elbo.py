"""The evidence lower bound: Auto-Encoding Variational Bayes (Kingma & Welling, 2013), 1312.6114.

Free bits follow Improved Variational Inference with Inverse Autoregressive Flow (Kingma et al.,
2016), 1606.04934, equation 15, with one group of latents a dimension.
"""

from typing import Literal

from vaelab.bound.base import Bound, Objective
from vaelab.errors import UserError
from vaelab.model import Terms
from vaelab.posterior import LogQ
from vaelab.traits import Trait


class Elbo(Bound):
    """E_q[log p(x|z)] - beta KL(q(z|x) || p(z)), from `num_samples` samples.

    Args:
        num_samples: samples of z for each example; their mean estimates the same bound.
        kl: "sampled" uses log q(z|x) - log p(z) of the samples (any prior; VampPrior's code);
            "analytic" the closed form, of lower variance, where the prior has one.
        free_bits: lambda in nats: the loss counts sum_d max(lambda, mean_b KL_d), the mean over
            the batch taken before the maximum, so a dimension below lambda on average costs
            nothing more. 0 switches it off. The logged value never contains it.
        log_qz: "path" drops the score term of the gradient (STL, 1703.09194); same expectation.
    """

    def __init__(
        self,
        num_samples: int,
        kl: Literal["sampled", "analytic"],
        free_bits: float,
        log_qz: Literal["total", "path"],
    ) -> None:
        if free_bits < 0:
            raise UserError(f"bound.free_bits={free_bits}: must be 0 (off) or more nats")
        if num_samples < 1:
            raise UserError(f"bound.num_samples={num_samples}: must be at least 1")
        if log_qz == "path" and (kl == "analytic" or free_bits > 0):
            raise UserError(
                "bound.log_qz=path drops a part of the sampled KL's gradient, and with "
                f"bound.kl={kl} and bound.free_bits={free_bits:g} the closed form is used; "
                "choose bound.log_qz=total, or bound.kl=sampled and bound.free_bits=0"
            )
        self.num_samples = num_samples
        self.kl = kl
        self.free_bits = free_bits
        self.log_qz: LogQ = log_qz
        self.analytic_kl = kl == "analytic" or free_bits > 0

    @property
    def needs(self) -> frozenset[Trait]:
        """A closed-form KL divergence where it is used."""
        if self.analytic_kl:
            return frozenset({Trait.ANALYTIC_KL, Trait.LOCAL_POSTERIOR})
        return frozenset()

    def __call__(self, terms: Terms, beta: float) -> Objective:
        """The negative ELBO, mean over K and B."""
        log_px = terms.log_px.mean(0)
        if self.kl == "analytic":
            assert terms.kl is not None, "self.analytic_kl asks for it"
            kl = terms.kl.sum(-1)
        else:
            kl = (terms.log_qz - terms.log_pz).mean(0)
        penalty = kl.mean()
        if self.free_bits > 0:
            assert terms.kl is not None, "self.analytic_kl asks for it"
            penalty = terms.kl.mean(0).clamp(min=self.free_bits).sum()
        loss = beta * penalty - log_px.mean()
        return Objective((log_px - kl).detach(), loss, loss)

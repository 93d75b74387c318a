"""The evidence lower bound: Auto-Encoding Variational Bayes (Kingma & Welling, 2013), 1312.6114.

Free bits follow Improved Variational Inference with Inverse Autoregressive Flow (Kingma et al.,
2016), 1606.04934, equation 15, with one group of latents a dimension; and the three ways of A
Surprisingly Effective Fix for Deep Latent Variable Modeling of Text (Li et al., 2019), 1909.00868,
whose code leaves a term below its threshold out: the same gradient as a constant in its place.
"""

from typing import Literal

from jaxtyping import Float
from torch import Tensor

from vaelab.bound.base import Bound, Objective
from vaelab.errors import UserError
from vaelab.model import Terms
from vaelab.posterior import LogQ
from vaelab.traits import Trait

FreeBits = Literal["dimension", "example_dimension", "example", "batch"]


class Elbo(Bound):
    """E_q[log p(x|z)] - beta KL(q(z|x) || p(z)), from `num_samples` samples.

    Args:
        num_samples: samples of z for each example; their mean estimates the same bound.
        kl: "sampled" uses log q(z|x) - log p(z) of the samples (any prior; VampPrior's code);
            "analytic" the closed form, of lower variance, where the prior has one.
        free_bits: lambda in nats, below which a KL divergence costs nothing more. 0 switches it
            off. The logged value never contains it.
        free_bits_of: whose divergence. "dimension": sum_d max(lambda, mean_b KL_bd), each
            dimension's mean over the batch; "example_dimension": mean_b sum_d max(lambda, KL_bd),
            each dimension of each example; "example": mean_b max(lambda, KL_b); "batch":
            max(lambda, mean_b KL_b). Those of a batch are refused where it is cut.
        log_qz: "path" drops the score term of the gradient (STL, 1703.09194); same expectation.
    """

    def __init__(
        self,
        num_samples: int,
        kl: Literal["sampled", "analytic"],
        free_bits: float,
        log_qz: Literal["total", "path"],
        free_bits_of: FreeBits = "dimension",
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
        self.free_bits_of: FreeBits = free_bits_of
        self.log_qz: LogQ = log_qz
        self.of_batch = free_bits > 0 and free_bits_of in ("dimension", "batch")
        self.analytic_kl = kl == "analytic" or free_bits > 0
        plain = not self.analytic_kl and log_qz == "total"
        self.offers = frozenset({Trait.LINEAR_BOUND} if plain else ())

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
            penalty = at_least(terms.kl, self.free_bits, self.free_bits_of)
        loss = beta * penalty - log_px.mean()
        return Objective((log_px - kl).detach(), loss, loss)


def at_least(kl: Float[Tensor, "B D"], least: float, of: FreeBits) -> Float[Tensor, ""]:
    """Mean over the batch of the summed divergence, whose parts count no less than `least`."""
    if of == "dimension":
        return kl.mean(0).clamp(min=least).sum()
    if of == "example_dimension":
        return kl.clamp(min=least).sum(-1).mean()
    if of == "example":
        return kl.sum(-1).clamp(min=least).mean()
    return kl.sum(-1).mean().clamp(min=least)

"""The validation metrics of an epoch: always at beta = 1, one wait for the device at the end."""

import torch
from jaxtyping import Float
from torch import Tensor

from vaelab import distributed
from vaelab.batch import Batch
from vaelab.bound.base import Bound
from vaelab.evaluation.active_units import active_units
from vaelab.evaluation.mutual_information import batch_mi
from vaelab.model import VAE
from vaelab.posterior import Posterior

ACTIVE_VARIANCE = 0.01  # of the posterior mean over examples, as VampPrior and Lagging count


class Validation:
    """Collects sums over batches; the prior is built once, not once a batch.

    Args:
        vae: the model, in evaluation mode, under no_grad.
        bound: what `val/bound` reports.
    """

    def __init__(self, vae: VAE, bound: Bound) -> None:
        self.vae = vae
        self.bound = bound
        self.prior = vae.prior(vae.encoder)
        self.sums: list[Tensor] = []  # each [5], or [6] with the encoder's own bound
        self.means: list[Float[Tensor, "B D"]] = []

    def add(self, batch: Batch, q: Posterior) -> None:
        """One batch; its own examples are the mixture of its mutual information."""
        bound = self.bound
        terms = self.vae.terms(
            batch.x, q, bound.num_samples, analytic_kl=bound.analytic_kl, prior=self.prior
        )
        objective = bound(terms, 1.0)
        log_px = terms.log_px.mean(0)
        kl = (terms.log_qz - terms.log_pz).mean(0)
        rows = len(batch.x)
        mi = batch_mi(q.first, terms.z[q.first_level][0]) * rows
        count = torch.full_like(mi, rows)
        sums = [log_px.sum(), kl.sum(), mi, objective.value.sum()]
        if objective.phi_value is not None:
            sums.append(objective.phi_value.sum())
        self.sums.append(torch.stack([*sums, count]))
        # Levels side by side: what counts is how many units are active in all.
        self.means.append(torch.cat([mean.float() for mean in q.means()], dim=-1))

    def metrics(self) -> dict[str, float]:
        """`val/...` metrics: nats per example, and the number of active units.

        val/mi is the batch estimate, at most the logarithm of the batch size.
        """
        sums = distributed.sum_over_ranks(torch.stack(self.sums).sum(0))
        mean = distributed.sum_over_ranks(torch.cat(self.means).sum(0)) / sums[-1]
        squares = (torch.cat(self.means) - mean).square().sum(0)
        variance = distributed.sum_over_ranks(squares) / (sums[-1] - 1)
        active = active_units(variance, ACTIVE_VARIANCE)
        *totals, count, au = torch.cat([sums, active[None].to(sums.dtype)]).tolist()
        log_px, kl, mi, *bounds = (total / count for total in totals)
        return {
            **dict(zip(("val/bound", "val/bound_phi"), bounds, strict=False)),
            "val/elbo": log_px - kl,
            "val/reconstruction": log_px,
            "val/kl": kl,
            "val/mi": mi,
            "val/au": au,
        }

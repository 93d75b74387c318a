"""The validation metrics of an epoch: always at beta = 1, one wait for the device at the end."""

import math
from collections.abc import Collection

import torch
from jaxtyping import Float
from torch import Tensor

from vaelab import distributed
from vaelab.batch import Batch
from vaelab.bound.base import Bound
from vaelab.distribution import DiagonalGaussian
from vaelab.evaluation.active_units import active_units
from vaelab.evaluation.mutual_information import batch_mi, paired_information
from vaelab.evaluation.selecting import mean_log_likelihood
from vaelab.model import VAE
from vaelab.posterior import Posterior

ACTIVE_VARIANCE = 0.01  # of the posterior mean over examples, as VampPrior and Lagging count


class Validation:
    """Collects sums over batches; the prior is built once, not once a batch.

    Args:
        vae: the model, in evaluation mode, under no_grad.
        bound: what `val/bound` reports.
        monitors: metrics wanted besides those that come always: "mi_full", "log_likelihood".
    """

    def __init__(self, vae: VAE, bound: Bound, monitors: Collection[str] = ()) -> None:
        self.vae = vae
        self.bound = bound
        self.full = "mi_full" in monitors
        self.likelihood = "log_likelihood" in monitors
        self.batches: list[tuple[Tensor, Posterior]] = []
        self.posteriors: list[tuple[Tensor, Tensor, Tensor]] = []
        self.ceilings = 0.0
        self.prior = vae.prior(vae.encoder)
        self.sums: list[Tensor] = []  # each [5], or [6] with the encoder's own bound
        self.means: list[Float[Tensor, "B D"]] = []
        self.gaussian = True

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
        self.gaussian = q.gaussian
        mi = batch_mi(q.first, terms.z[q.first_level][0]) * rows
        count = torch.full_like(mi, rows)
        sums = [log_px.sum(), kl.sum(), mi, objective.value.sum()]
        if objective.phi_value is not None:
            sums.append(objective.phi_value.sum())
        self.sums.append(torch.stack([*sums, count]))
        self.ceilings += rows * math.log(rows)
        if self.full:
            self.posteriors.append((q.first.mean, q.first.log_var, terms.z[q.first_level][0]))
        if self.likelihood:
            self.batches.append((batch.x, q))
        # Levels side by side: what counts is how many units are active in all.
        self.means.append(torch.cat([mean.float() for mean in q.means()], dim=-1))

    def metrics(self) -> dict[str, float]:
        """`val/...` metrics: nats per example, and the number of active units.

        val/mi is the batch estimate, which cannot pass val/mi_ceiling, the mean logarithm of the
        batch size, but for noise; val/mi_full has the whole split as its mixture, and less noise.
        They are of Gaussian posteriors only.
        """
        sums = distributed.sum_over_ranks(torch.stack(self.sums).sum(0))
        mean = distributed.sum_over_ranks(torch.cat(self.means).sum(0)) / sums[-1]
        squares = (torch.cat(self.means) - mean).square().sum(0)
        variance = distributed.sum_over_ranks(squares) / (sums[-1] - 1)
        active = active_units(variance, ACTIVE_VARIANCE)
        ceilings = distributed.sum_over_ranks(sums.new_tensor(self.ceilings))
        together = torch.cat([ceilings[None], sums, active[None].to(sums.dtype)])
        ceilings, *totals, count, au = together.tolist()
        log_px, kl, mi, *bounds = (total / count for total in totals)
        likelihood = {}
        if self.likelihood:
            likelihood["val/log_likelihood"] = mean_log_likelihood(self.vae, self.batches)
        return {
            **dict(zip(("val/bound", "val/bound_phi"), bounds, strict=False)),
            "val/elbo": log_px - kl,
            "val/reconstruction": log_px,
            "val/kl": kl,
            **({"val/mi": mi, "val/mi_ceiling": ceilings / count} if self.gaussian else {}),
            "val/au": au,
            **({"val/mi_full": self.mi_full()} if self.full else {}),
            **likelihood,
        }

    def mi_full(self) -> float:
        """Mutual information, paired, all examples of all processes being the mixture."""
        parts = zip(*self.posteriors, strict=True)
        mean, log_var, z = (distributed.gathered(torch.cat(part)) for part in parts)
        found = paired_information(DiagonalGaussian(mean, log_var), z).mean()
        distributed.from_first([found])  # it decides when a phase ends: one number for all
        return float(found)

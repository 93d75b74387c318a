"""log p(x) by an estimator that depends on the model alone, not on how it was trained.

Quadrature where the latent has one or two dimensions. Elsewhere importance sampling from the
run's own posteriors with a share of the prior, whose mean is in expectation a lower bound.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from vaelab import distributed
from vaelab.batch import Batch
from vaelab.dataset.base import Split
from vaelab.distribution import LatentPrior
from vaelab.evaluation.defensive import Defensive
from vaelab.evaluation.measure import ENCODED, Measured, in_eval_mode
from vaelab.evaluation.nll import check_finite, nll
from vaelab.evaluation.quadrature import DOUBLINGS, POINTS, Grid, holding, integrate
from vaelab.evaluation.streaming import LogSumExp, stream
from vaelab.model import VAE
from vaelab.posterior import Posterior
from vaelab.seeding import noise, seed_noise

log = logging.getLogger(__name__)

SHARE = 0.05  # of the prior in the proposal
Points = int | Literal["auto"]
"""Of the first grid, a side; auto: 4001 in one dimension, 161 in each of two."""


@dataclass(frozen=True)
class Marginal:
    """log p(x) of each example, and how it was found.

    Attributes:
        log_px: nats, float64.
        estimator: in words.
        samples: drawn for each example; None where none were.
        extra: for a quadrature, by how much its mean moved in the last doubling.
    """

    log_px: Float[Tensor, "N"]
    estimator: str
    samples: int | None
    extra: dict[str, Any] = field(default_factory=dict)


def log_marginal(
    vae: VAE,
    posterior: Callable[[Batch], Posterior],
    split: Split,
    name: str,
    measured: Measured,
    *,
    points: Points,
    seed: int,
    samples: int,
    rows: int,
) -> Marginal | None:
    """Of the examples that were measured; None of models with more than one latent level.

    Args:
        vae: the model.
        posterior: where proposals come from, if there must be any.
        split: of the examples.
        name: of the split; in messages, and part of the seed.
        measured: the examples.
        points: of the first grid.
        seed: of the samples.
        samples: for each example.
        rows: points, or samples x examples, in one pass of the decoder.

    Raises:
        UserError: an example has no mass.
    """
    if vae.decoder.exact:
        return Marginal(-measured.scores.nll, "exact", None)
    if len(measured.variances) > 1:
        return None
    device = measured.index.device
    with in_eval_mode(vae), torch.no_grad():
        prior = vae.prior(vae.encoder).double()
        dim, x = measured.first.mean.shape[-1], measured.x
        if dim in POINTS and not vae.decoder.autoregressive and x is not None:
            grid = Grid(dim, (POINTS[dim] if points == "auto" else points) - 1)
            if (first := holding(prior, grid, device)) is not None:
                found = integrate(vae.decoder, prior, x, grid, first, DOUBLINGS[dim], rows)
                words = f"quadrature, {found.grid.words}"
                if not found.settled:
                    words += f", not settled: {found.moved:.1g} nats in the last doubling"
                    log.warning("log p(x) on %s: %s", name, words)
                check_finite(found.log_px, measured.index, name)
                return Marginal(found.log_px, words, None, {"moved": found.moved})
        with noise(device, seed, name, "marginal"):
            log_px = importance(
                vae, posterior, split.to(device), name, measured, prior, seed, samples, rows
            )
    check_finite(log_px, measured.index, name)
    words = f"importance weighted, {samples} samples, {SHARE:.0%} of them the prior's"
    return Marginal(log_px, words, samples)


def importance(
    vae: VAE,
    posterior: Callable[[Batch], Posterior],
    split: Split,
    name: str,
    measured: Measured,
    prior: LatentPrior,
    seed: int,
    samples: int,
    rows: int,
) -> Float[Tensor, "N"]:
    """The log of the mean weight of each example, some examples at a time; seeds the noise."""
    index = measured.index
    size = min(rows, max(ENCODED, rows // samples))
    parts = torch.arange(len(index), device=index.device).split(size)

    def some(number: int) -> Tensor:
        chosen = parts[number]
        x = split[index[chosen]] if measured.x is None else measured.x[chosen]
        seed_noise(index.device, seed, name, "marginal", number)
        q = Defensive(posterior(Batch(x, index[chosen])).detach(), prior, SHARE)
        weights = LogSumExp()
        for terms in stream(vae, x, q, samples, rows, prior):
            weights.add(terms.log_w())
        return -nll(weights).cpu()

    found = distributed.shared_out(some, range(len(parts)))
    return torch.cat(list(found)).to(index.device)

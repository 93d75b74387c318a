"""log p(x) of validation data each epoch, for strategies whose bounds are no measure of a model.

The estimators of `evaluation.marginal` with a fixed and small effort.
"""

import torch
from jaxtyping import Float, Num
from torch import Tensor

from vaelab import distributed
from vaelab.evaluation.defensive import Defensive
from vaelab.evaluation.marginal import SHARE
from vaelab.evaluation.nll import nll
from vaelab.evaluation.quadrature import Grid, holding, integrate
from vaelab.evaluation.streaming import LogSumExp, stream
from vaelab.model import VAE
from vaelab.posterior import Posterior

INTERVALS = {1: 1000, 2: 160}  # a side, by latent dimension
SAMPLES, EXAMPLES = 50, 1000  # of importance sampling, in each process
ELEMENTS = 2**31  # of all pairs of a point and an example: seconds
ROWS = 20_000


def mean_log_likelihood(
    vae: VAE, batches: list[tuple[Num[Tensor, "B *event"], Posterior]]
) -> float:
    """Mean over examples of log p(x) in nats, over all processes; under no_grad.

    Quadrature in one or two latent dimensions, of as many examples as take seconds; else importance
    weighted with 50 samples, a twentieth of them the prior's, of at most 1,000 examples.
    """
    prior = vae.prior(vae.encoder).double()
    dim = batches[0][1].first.mean.shape[-1]
    grid = Grid(dim, INTERVALS[dim]) if dim in INTERVALS else None
    x = torch.cat([x for x, _ in batches])
    if grid:
        x = x[: max(100, ELEMENTS // ((grid.intervals + 1) ** dim * x[0].numel()))]
    if grid and not vae.decoder.autoregressive and holding(prior, grid, x.device) == 0:
        found = integrate(vae.decoder, prior, x, grid, 0, 0, ROWS).log_px
    else:
        found, count = [], 0
        for x, q in batches:
            found.append(weighted(vae, x, Defensive(q, prior, SHARE)))
            if (count := count + len(x)) >= EXAMPLES:
                break
        found = torch.cat(found)
    both = torch.stack([found.sum(), found.new_tensor(len(found))])
    total, count = distributed.sum_over_ranks(both).tolist()
    return total / count


def weighted(vae: VAE, x: Num[Tensor, "B *event"], q: Defensive) -> Float[Tensor, "B"]:
    """The log of the mean importance weight of each example."""
    weights = LogSumExp()
    for terms in stream(vae, x, q, SAMPLES, ROWS, q.prior):
        weights.add(terms.log_w())
    return -nll(weights)

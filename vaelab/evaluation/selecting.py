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
SAMPLES, EXAMPLES = 50, 1000  # of importance sampling
ELEMENTS = 2**31  # of all pairs of a point and an example: seconds
ROWS = 20_000


def mean_log_likelihood(
    vae: VAE, batches: list[tuple[Num[Tensor, "B *event"], Posterior]]
) -> float:
    """Mean over examples of log p(x) in nats, over all processes; under no_grad.

    Quadrature in one or two latent dimensions, of as many examples as take seconds; else importance
    weighted with 50 samples, a twentieth of them the prior's, of 1,000 examples or few more. The
    examples are the same for any number of processes.
    """
    prior = vae.prior(vae.encoder).double()
    dim = batches[0][1].first.mean.shape[-1]
    grid = Grid(dim, INTERVALS[dim]) if dim in INTERVALS else None
    sizes, example = [len(x) for x, _ in batches], batches[0][0][0]
    found = [torch.zeros(0, dtype=torch.float64, device=example.device)]
    if grid and not vae.decoder.autoregressive and holding(prior, grid, example.device) == 0:
        limit = max(100, ELEMENTS // ((grid.intervals + 1) ** dim * example.numel()))
        rows = rows_within(sizes, limit, whole=False)
        x = torch.cat([x[:count] for (x, _), count in zip(batches, rows, strict=True)])
        if len(x):
            found.append(integrate(vae.decoder, prior, x, grid, 0, 0, ROWS).log_px)
    else:
        for (x, q), count in zip(batches, rows_within(sizes, EXAMPLES, whole=True), strict=True):
            if count:
                found.append(weighted(vae, x, Defensive(q, prior, SHARE)))
    each = torch.cat(found)
    both = torch.stack([each.sum(), each.new_tensor(len(each))])
    total, count = distributed.sum_over_ranks(both).tolist()
    return total / count


def rows_within(sizes: list[int], limit: int, *, whole: bool) -> list[int]:
    """How many rows of each of this process's batches are among the first `limit` of all.

    Args:
        sizes: of its batches; processes have batches in turn.
        limit: rows of all processes.
        whole: batches are taken whole, the last one beyond the limit.
    """
    everyones, rows, before = distributed.everyones(sizes), [], 0
    for turn in range(max(len(one) for one in everyones)):
        for rank, one in enumerate(everyones):
            if turn < len(one):
                if rank == distributed.rank():
                    left = max(0, limit - before)
                    rows.append(one[turn] if whole and left else min(one[turn], left))
                before += one[turn]
    return rows


def weighted(vae: VAE, x: Num[Tensor, "B *event"], q: Defensive) -> Float[Tensor, "B"]:
    """The log of the mean importance weight of each example."""
    weights = LogSumExp()
    for terms in stream(vae, x, q, SAMPLES, ROWS, q.prior):
        weights.add(terms.log_w())
    return -nll(weights)

"""Mutual information of x and z under q.

Lagging Inference Networks and Posterior Collapse in VAEs (He et al., 2019), 1901.05534, and code:
I = E_x E_q log q(z|x) - E log q(z), the first term in closed form, q(z) a mixture of posteriors
that holds the example's own. The paper's tables take the batch as mixture: a lower bound in
expectation that cannot pass log B (but for noise), and may come out slightly negative.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.distribution import DiagonalGaussian, GaussianMixture

PAIRS = 2**22  # of a sample and a component at a time: 32 MiB of float64


def batch_mi(first: DiagonalGaussian, z: Float[Tensor, "B D"]) -> Float[Tensor, ""]:
    """I in nats from one sample z of each; the batch is the mixture. Never waits for the device."""
    return information(first, z).mean()


def information(first: DiagonalGaussian, z: Float[Tensor, "N D"]) -> Float[Tensor, "N"]:
    """-H[q(z|x_i)] - log 1/N sum_j q(z_i|x_j) for every i, float64: the paper's estimator.

    Args:
        first: N posteriors, all of which are the mixture.
        z: one sample of each.
    """
    return -_double(first).entropy() - log_aggregate(first, z)


def paired_information(first: DiagonalGaussian, z: Float[Tensor, "N D"]) -> Float[Tensor, "N"]:
    """The same expectation with a fraction of the noise: both terms sampled, from one z.

    log q(z_i|x_i) - log 1/N sum_j q(z_i|x_j). The spread of log q(z_i|x_i), D/2 in variance,
    cancels, and no value exceeds log N.
    """
    return _double(first).log_prob(z.double()) - log_aggregate(first, z)


def log_aggregate(first: DiagonalGaussian, z: Float[Tensor, "N D"]) -> Float[Tensor, "N"]:
    """The log of 1/N sum_j q(z_i|x_j) of every i, float64, a bounded number of pairs at a time."""
    mixture = GaussianMixture(first.mean.double(), first.log_var.double())
    parts = z.double().split(max(1, PAIRS // len(mixture)))
    return torch.cat([mixture.log_prob(part) for part in parts])


def batched_information(
    first: DiagonalGaussian, z: Float[Tensor, "N D"], batch: int
) -> Float[Tensor, "N"]:
    """The paper's estimator, each `batch` examples their own mixture; the last may be fewer."""
    means, log_vars, samples = first.mean.split(batch), first.log_var.split(batch), z.split(batch)
    each = zip(means, log_vars, samples, strict=True)
    return torch.cat([information(DiagonalGaussian(m, v), s) for m, v, s in each])


def ceiling(n: int, batch: int) -> float:
    """Mean over n examples of the log of their batch's size."""
    full, rest = divmod(n, batch)
    return (full * batch * math.log(batch) + (rest * math.log(rest) if rest else 0)) / n


def _double(first: DiagonalGaussian) -> DiagonalGaussian:
    return DiagonalGaussian(first.mean.double(), first.log_var.double())

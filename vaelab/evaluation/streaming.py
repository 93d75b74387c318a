"""Sums over samples that arrive in parts, kept in float64 and, where they must be, in log space."""

import math
from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.distribution import LatentPrior
from vaelab.model import VAE, Terms
from vaelab.posterior import Posterior


class LogSumExp:
    """Running log sum_k exp(value_k) of each example; the same number in any split of the K."""

    def __init__(self) -> None:
        self.log_sum: Tensor | None = None
        self.count = 0

    def add(self, values: Float[Tensor, "K B"]) -> None:
        """Count K more values of each example."""
        part = values.double().logsumexp(0)
        self.log_sum = part if self.log_sum is None else torch.logaddexp(self.log_sum, part)
        self.count += len(values)

    @property
    def total(self) -> Float[Tensor, "B"]:
        """The log of sum_k exp(value_k)."""
        assert self.log_sum is not None, "nothing was added"
        return self.log_sum


class Mean:
    """Running mean over k of each example."""

    def __init__(self) -> None:
        self.sum: Tensor | None = None
        self.count = 0

    def add(self, values: Float[Tensor, "K B"]) -> None:
        """Count K more values of each example."""
        part = values.double().sum(0)
        self.sum = part if self.sum is None else self.sum + part
        self.count += len(values)

    @property
    def total(self) -> Float[Tensor, "B"]:
        """sum_k value_k / K."""
        assert self.sum is not None, "nothing was added"
        return self.sum / self.count


class BlockMean:
    """Running mean of log 1/k sum exp(value) over disjoint blocks of k successive values.

    The same number in any split of the values: a block that a part leaves open is filled by the
    next. What fills no block is left out: 5000 values are 78 blocks of 64, and 8 that do not count.

    Args:
        size: k.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.blocks = 0
        self.sum: Tensor | None = None
        self.open = LogSumExp()

    def add(self, values: Float[Tensor, "K B"]) -> None:
        """Count K more values of each example."""
        if self.open.count:
            missing = self.size - self.open.count
            self.open.add(values[:missing])
            values = values[missing:]
            if self.open.count == self.size:
                self._close(self.open.total[None])
                self.open = LogSumExp()
        whole = len(values) // self.size
        if whole:
            blocks = values[: whole * self.size].double().unflatten(0, (whole, self.size))
            self._close(blocks.logsumexp(1))  # over the k of a block
        if len(rest := values[whole * self.size :]):
            self.open.add(rest)

    def _close(self, log_sums: Float[Tensor, "blocks B"]) -> None:
        part = log_sums.sum(0)
        self.sum = part if self.sum is None else self.sum + part
        self.blocks += len(log_sums)

    @property
    def total(self) -> Float[Tensor, "B"]:
        """Mean over the whole blocks."""
        assert self.sum is not None, "not one block is whole"
        return self.sum / self.blocks - math.log(self.size)


def stream(
    vae: VAE, x: Tensor, q: Posterior, num_samples: int, rows: int, prior: LatentPrior
) -> Iterator[Terms]:
    """`num_samples` samples of each example's latents, at most `rows` in a pass of the decoder.

    A batch of more than `rows` examples goes one sample at a time; the last part may be short.
    """
    each = max(1, rows // len(x))
    for drawn in range(0, num_samples, each):
        yield vae.terms(x, q, min(each, num_samples - drawn), prior=prior)

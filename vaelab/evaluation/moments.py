"""Signal-to-noise ratios of gradient draws, kept as running moments: no draw is stored.

Tighter Variational Bounds are Not Necessarily Better (Rainforth et al., 2018), 1802.04537. Of one
coordinate the ratio is |E[g]| / sd(g); of a whole gradient it is E[|parallel| / |perpendicular|]
with respect to the direction of E[g] (DSNR).

Where E[g] is taken to be the mean of the same R draws, no ratio can be seen below about
sqrt(2 / pi) / sqrt(R), which is what draws without any signal give. A signal from elsewhere, a
closed form or the mean of an estimator with the same expectation and less variance, has none, or
one that is lower as that estimator's own noise is.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.evaluation.active_units import RunningVariance

BLOCKS = 10  # of consecutive draws; their differences give the standard errors


@dataclass(frozen=True)
class Moments:
    """Of `count` draws: mean of every coordinate, and its unbiased variance; float64."""

    count: int
    mean: Float[Tensor, "P"]
    variance: Float[Tensor, "P"]


def merged(parts: Sequence[RunningVariance]) -> Moments:
    """The moments of all draws of several parts together."""
    filled = [part for part in parts if part.mean is not None and part.squares is not None]
    count = sum(part.count for part in filled)
    means = torch.stack([part.mean for part in filled])  # pyright: ignore
    counts = means.new_tensor([[float(part.count)] for part in filled])
    mean = (counts * means).sum(0) / count
    squares = torch.stack([part.squares for part in filled]).sum(0)  # pyright: ignore
    squares = squares + (counts * (means - mean).square()).sum(0)
    return Moments(count, mean, squares / (count - 1))


def floor(draws: int) -> float:
    """E|mean| / sd of `draws` normal draws whose expectation is 0."""
    return math.sqrt(2 / (math.pi * draws))


def ratio(signal: Float[Tensor, "P"], variance: Float[Tensor, "P"]) -> Float[Tensor, "P"]:
    """|signal| / sd of each coordinate; NaN where the coordinate never varies.

    A weight behind a pixel that is 0 in the whole batch has neither signal nor noise.
    """
    sd = torch.where(variance > 0, variance.sqrt(), float("nan"))
    return signal.abs() / sd


class Directional:
    """Mean of |parallel| / |perpendicular| of draws, with respect to a given direction.

    Args:
        signal: whose direction it is; independent of the draws that are added, since a direction
            that contains a draw points towards it.
    """

    def __init__(self, signal: Float[Tensor, "P"]) -> None:
        self.direction = signal.double() / signal.double().norm()
        self.ratios = RunningVariance()

    def add(self, rows: Float[Tensor, "N P"]) -> None:
        """Count N more draws."""
        rows = rows.detach().double()  # statistics: nothing is trained by them
        parallel = rows @ self.direction
        perpendicular = (rows - parallel.unsqueeze(-1) * self.direction).norm(dim=-1)
        self.ratios.add((parallel.abs() / perpendicular).unsqueeze(-1))

    @property
    def mean(self) -> float:
        """DSNR."""
        assert self.ratios.mean is not None, "nothing was added"
        return float(self.ratios.mean)

    @property
    def error(self) -> float:
        """Standard error of it, for the direction as given."""
        return math.sqrt(float(self.ratios.variance) / self.ratios.count)


class GradientDraws:
    """What is kept of R draws of one gradient: moments in blocks, and DSNR.

    Args:
        draws: R, at least 2; draws are added until there are so many.
        signal: the direction for DSNR. None: the mean of the first half of the draws, to which
            only the second half is held, so that direction and draws are independent.
    """

    def __init__(self, draws: int, signal: Float[Tensor, "P"] | None = None) -> None:
        assert draws >= 2, "a variance needs two"
        self.draws = draws
        self.blocks = [RunningVariance() for _ in range(min(BLOCKS, draws))]
        self.count = 0
        self.directional = None if signal is None else Directional(signal)
        self.half = 0 if signal is not None else draws // 2

    def add(self, rows: Float[Tensor, "N P"]) -> None:
        """Count N more draws, in order."""
        assert self.count + len(rows) <= self.draws, "more draws than were announced"
        while len(rows) > 0:
            # A part ends where a block does, and where the direction is known.
            block = self.count * len(self.blocks) // self.draws
            ends = [-(-(block + 1) * self.draws // len(self.blocks))]
            ends += [self.half] if self.count < self.half else []
            part, rows = rows[: min(ends) - self.count], rows[min(ends) - self.count :]
            if self.count >= self.half:
                if self.directional is None:
                    self.directional = Directional(merged(self.blocks).mean)
                self.directional.add(part)
            self.blocks[block].add(part)
            self.count += len(part)

    @property
    def moments(self) -> Moments:
        """Of all draws."""
        return merged(self.blocks)

    @property
    def without_a_block(self) -> list[Moments]:
        """Of all draws but those of one block, for each block: what a jackknife needs."""
        return [
            merged([*self.blocks[:left_out], *self.blocks[left_out + 1 :]])
            for left_out in range(len(self.blocks))
        ]


def jackknife(without: Sequence[float]) -> float:
    """Standard error of a statistic from its values with one of n equal blocks left out."""
    values = torch.tensor(without, dtype=torch.float64)
    n = len(values)
    return math.sqrt((n - 1) / n * float((values - values.mean()).square().sum()))

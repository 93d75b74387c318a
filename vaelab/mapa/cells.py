"""A partition of R^d into N cells, each of prior mass 1/N under N(0, I): one for every example.

In the unit cube the cells are boxes. A box of n cells is cut across its longest side, at the
fraction floor(n/2) / n of it, until every box is one cell. In one dimension cell m is
[m/N, (m+1)/N). The boxes depend on N and d alone; which example gets which is the layout's.
"""

import math
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Integer
from torch import Tensor

Array = np.ndarray
EDGE = 1e-6  # z is kept within the quantiles of EDGE and 1 - EDGE
NARROW = 1e-2  # in a cell as narrow the density is flat to four digits


class Level(NamedTuple):
    """How the boxes of one level are cut: across which axis, where, and the first child of each."""

    axis: Integer[Tensor, "P"]
    cut: Float[Tensor, "P"]
    child: Integer[Tensor, "P"]


class Cells:
    """The boxes of N cells in d dimensions, on one device.

    Attributes:
        low: lower corner of each cell in the unit cube, float64 [N, d].
        high: the upper one.
    """

    def __init__(self, size: int, dim: int) -> None:
        self.size = size
        self.dim = dim
        self.levels: list[Level] = []
        self._divide()

    def _divide(self) -> None:
        """All boxes of a level at once. A box that is one cell stays as it is."""
        counts, low = np.array([self.size]), np.zeros((1, self.dim))
        high = np.ones((1, self.dim))
        while counts.max() > 1:
            # Rounded, so that sides of the same length are the same and the first is cut.
            axis = np.argmax(np.round(high - low, 12), 1)
            lower = counts // 2
            rows = np.arange(len(counts))
            side = high[rows, axis] - low[rows, axis]
            cut = low[rows, axis] + side * lower / counts
            split = counts > 1
            child = np.cumsum(np.where(split, 2, 1)) - np.where(split, 2, 1)
            # What is not split sends everything to its only child.
            cut_or_none = np.where(split, cut, np.inf)
            self.levels.append(Level(*map(torch.from_numpy, (axis, cut_or_none, child))))
            parents = np.repeat(rows, np.where(split, 2, 1))
            second = np.zeros(len(parents), dtype=bool)
            second[child[split] + 1] = True
            first = np.zeros(len(parents), dtype=bool)
            first[child[split]] = True
            low, high = low[parents], high[parents]
            high[first, axis[parents[first]]] = cut[parents[first]]
            low[second, axis[parents[second]]] = cut[parents[second]]
            counts = np.where(
                first, lower[parents], np.where(second, (counts - lower)[parents], counts[parents])
            )
        self.low, self.high = torch.from_numpy(low), torch.from_numpy(high)

    def to(self, device: torch.device) -> "Cells":
        """Move, in place."""
        if self.low.device != device:
            self.low, self.high = self.low.to(device), self.high.to(device)
            self.levels = [Level(*(one.to(device) for one in level)) for level in self.levels]
            self.__dict__.pop("moments", None)
        return self

    def place(self, codes: Array) -> Integer[Tensor, "N"]:
        """The cell of each example, so that neighbours in `codes` [N, d] are neighbours here.

        The examples of a box are sorted by the coordinate that is cut; the lower half goes below.
        """
        order = np.arange(self.size)  # examples, box by box
        box, counts = np.zeros(self.size, dtype=np.int64), np.array([self.size])
        for level in self.levels:
            axis = level.axis.cpu().numpy()
            order = order[np.lexsort((codes[order, axis[box]], box))]
            lower = counts // 2
            split = counts > 1
            pieces = np.stack([np.where(split, lower, 0), np.where(split, counts - lower, counts)])
            pieces = pieces.T.flatten()
            counts = pieces[pieces > 0]
            box = np.repeat(np.arange(len(counts)), counts)
        found = np.empty(self.size, dtype=np.int64)
        found[order] = np.arange(self.size)
        return torch.from_numpy(found)

    def sample(self, cells: Integer[Tensor, "*B"]) -> Float[Tensor, "*B d"]:
        """Z ~ p(z | cell), float32: N(0, I) within each cell."""
        low, high = self.low[cells], self.high[cells]
        return quantile(torch.addcmul(low, high - low, torch.rand_like(low))).float()

    def find(self, z: Float[Tensor, "*B d"]) -> Integer[Tensor, "*B"]:
        """The cell that holds each z."""
        u = torch.special.ndtr(z.double())
        node = torch.zeros(z.shape[:-1], dtype=torch.int64, device=z.device)
        for axis, cut, child in self.levels:
            coordinate = u.gather(-1, axis[node].unsqueeze(-1)).squeeze(-1)
            node = child[node] + (coordinate >= cut[node])
        return node

    @cached_property
    def moments(self) -> tuple[Float[Tensor, "N d"], Float[Tensor, "N d"]]:
        """Mean and variance of z within each cell, float64: of a truncated normal."""
        a, b = (torch.special.ndtri(edge) for edge in (self.low, self.high))
        mass = self.high - self.low
        mean = (density(a) - density(b)) / mass
        second = 1 + (times_density(a) - times_density(b)) / mass
        width = b - a
        # Differences of a narrow cell have no digits left.
        return mean, torch.where(width < NARROW, width.square() / 12, second - mean.square())


def quantile(u: Tensor) -> Tensor:
    """Phi^-1, kept away from infinity."""
    return torch.special.ndtri(u.clamp(EDGE, 1 - EDGE))


def density(z: Tensor) -> Tensor:
    """Of the standard normal."""
    return torch.exp(-0.5 * z.square()) / math.sqrt(2 * math.pi)


def times_density(z: Tensor) -> Tensor:
    """Z times it; 0 at infinity."""
    return torch.where(z.isinf(), torch.zeros_like(z), z * density(z))

"""The kernel between examples: q(m|x_n) is proportional to exp(-||x_n - x_m||^2 / (2 h^2))."""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Integer
from torch import Tensor

from vaelab.mapa.neighbours import Neighbours
from vaelab.mapa.sparse import SparseRows

SelfTerm = Literal["include", "exclude", "expected"]
"""An example's own index: at distance 0; left out; or where an independent replicate of it would
be on average, at a squared distance of 2 sigma^2 F for F features."""


@dataclass(frozen=True)
class Near:
    """The K nearest examples of each of R.

    Attributes:
        squares: squared distances; where `own`, of no meaning.
        index: which ones.
        own: where an example is its own neighbour and has a weight of another kind; None: nowhere.
        own_log_weight: its log-weight, where a neighbour at distance 0 has 0.
        size: of how many they are the nearest.
        others: how many of them have mass, or would have, and are not among the K.
    """

    squares: Float[Tensor, "R K"]
    index: Integer[Tensor, "R K"]
    own: Bool[Tensor, "R K"] | None
    own_log_weight: float
    size: int
    others: int

    def log_kernel(self, variance: Float[Tensor, "*R"]) -> Float[Tensor, "R K"]:
        """-squares / (2 h^2), h^2 one number or one a row."""
        logs = self.squares / (-2 * variance.reshape(-1, 1))
        return logs if self.own is None else logs.masked_fill(self.own, self.own_log_weight)

    def rows(self, variance: Float[Tensor, "*R"]) -> SparseRows:
        """Weights that sum to 1 in each row."""
        return SparseRows.regular(self.index, self.log_kernel(variance).softmax(1), self.size)

    def perplexity(self, variance: Float[Tensor, "*R"]) -> Float[Tensor, "R"]:
        """exp(H(q_n)), as if these K had all the mass."""
        logs = self.log_kernel(variance).log_softmax(1)
        return torch.exp(-torch.special.xlogy(logs.exp(), logs.exp()).sum(1))

    def dropped(self, variance: Float[Tensor, "*R"]) -> Float[Tensor, "R"]:
        """What all others have at most: each no more than the farthest of the K."""
        kept = self.log_kernel(variance).logsumexp(1)
        farthest = self.squares.amax(1) / (-2 * variance.reshape(-1))
        others = torch.tensor(self.others, dtype=kept.dtype, device=kept.device)
        # rest / (kept + rest), in logarithms: far from all others both are 0 in float64.
        return torch.sigmoid(others.log() + farthest - kept)

    def take(self, rows: Integer[Tensor, "M"]) -> "Near":
        """Some of the rows."""
        own = None if self.own is None else self.own[rows]
        weight, size, others = self.own_log_weight, self.size, self.others
        return Near(self.squares[rows], self.index[rows], own, weight, size, others)


def of_others(neighbours: Neighbours, queries: Float[Tensor, "B F"], count: int) -> Near:
    """Of points that are none of the examples themselves."""
    squares, index = neighbours(queries, count)
    size = len(neighbours.points)
    return Near(squares, index, None, 0.0, size, size - index.shape[1])


def of_themselves(
    neighbours: Neighbours,
    count: int,
    term: SelfTerm,
    c: float,
    rows: Integer[Tensor, "R"] | None = None,
) -> Near:
    """Of examples, all or some of them, among all.

    With "expected", sigma^2 = h^2 / c, so that the log-weight of oneself is -F / c whatever h^2.
    """
    points = neighbours.points
    size, features = points.shape
    me = torch.arange(size, device=points.device) if rows is None else rows
    queries = points if rows is None else points[rows]
    if term == "include":
        return of_others(neighbours, queries, count)
    squares, index = neighbours(queries, count + 1)
    mine = index == me[:, None]
    # Among more than K examples that are the same, oneself may be missing: the farthest goes.
    mine[:, -1] |= ~mine.any(1)
    others = ~mine
    squares = squares[others].view(len(me), -1)[:, :count]
    index = index[others].view(len(me), -1)[:, :count]
    if term == "exclude":
        return Near(squares, index, None, 0.0, size, size - 1 - index.shape[1])
    # Oneself takes the place of the farthest, or one more where all are kept.
    kept = min(squares.shape[1], count - 1)
    squares = torch.cat([squares.new_zeros(len(me), 1), squares[:, :kept]], 1)
    index = torch.cat([me[:, None], index[:, :kept]], 1)
    own = torch.zeros_like(index, dtype=torch.bool)
    own[:, 0] = True
    return Near(squares, index, own, -features / c, size, size - index.shape[1])

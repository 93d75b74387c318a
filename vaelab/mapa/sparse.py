"""Rows of a sparse matrix of probabilities: drawn from, looked up, summed."""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Integer
from scipy.sparse import csr_array
from torch import Tensor


@dataclass(frozen=True)
class SparseRows:
    """R distributions over N indices, each with few of them; compressed rows.

    Attributes:
        starts: where each row begins in the other two, and the end of the last.
        columns: indices with mass, ascending within a row.
        weights: their probabilities, float64; each row sums to 1.
        size: N.
    """

    starts: Integer[Tensor, "starts"]
    columns: Integer[Tensor, "M"]
    weights: Float[Tensor, "M"]
    size: int

    @classmethod
    def regular(
        cls, columns: Integer[Tensor, "R K"], weights: Float[Tensor, "R K"], size: int
    ) -> "SparseRows":
        """Of rows with K entries each, in any order."""
        columns, order = columns.sort(1)
        starts = torch.arange(0, columns.numel() + 1, columns.shape[1], device=columns.device)
        return cls(starts, columns.flatten(), weights.double().gather(1, order).flatten(), size)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def to(self, device: torch.device) -> "SparseRows":
        """The same on another device."""
        starts, columns, weights = self.starts, self.columns, self.weights
        return SparseRows(starts.to(device), columns.to(device), weights.to(device), self.size)

    @cached_property
    def lengths(self) -> Integer[Tensor, "R"]:
        """Entries of each row."""
        return self.starts.diff()

    @cached_property
    def longest(self) -> int:
        """Entries of the longest row."""
        return int(self.lengths.max())

    @cached_property
    def row_of(self) -> Integer[Tensor, "M"]:
        """The row of each entry."""
        rows = torch.arange(len(self), device=self.starts.device)
        return rows.repeat_interleave(self.lengths)

    @cached_property
    def below(self) -> Float[Tensor, "sums"]:
        """Probability of all entries before each one, and of all."""
        return torch.cat([self.weights.new_zeros(1), self.weights.cumsum(0)])

    @cached_property
    def keys(self) -> Integer[Tensor, "M"]:
        """Row * N + column of each entry; ascending."""
        return self.row_of * self.size + self.columns

    def sample(self, rows: Integer[Tensor, "B"], num_samples: int) -> Integer[Tensor, "S B"]:
        """Independent draws of a column of each row, by inverting the cumulated probabilities."""
        first, last = self.starts[rows], self.starts[rows + 1]
        low, high = self.below[first], self.below[last]
        draws = torch.rand(num_samples, len(rows), dtype=low.dtype, device=low.device)
        # Rounding must not lead to the row's end, behind which is another's first entry.
        level = torch.minimum(low + draws * (high - low), torch.nextafter(high, low))
        # From the right: entries without mass are passed over.
        return self.columns[torch.searchsorted(self.below, level, right=True) - 1]

    def log_weight(
        self, rows: Integer[Tensor, "B"], columns: Integer[Tensor, "S B"]
    ) -> Float[Tensor, "S B"]:
        """Log-probability of a column under its row; -inf where it has none."""
        wanted = rows * self.size + columns
        place = torch.searchsorted(self.keys, wanted.contiguous()).clamp(max=len(self.keys) - 1)
        return self.weights[place].log().masked_fill(self.keys[place] != wanted, -torch.inf)

    def padded(self, rows: Integer[Tensor, "B"]) -> tuple[Tensor, Tensor]:
        """Columns and log-probabilities [B, longest]; what a row lacks has -inf."""
        lengths, first = self.lengths[rows], self.starts[rows]
        offsets = torch.arange(self.longest, device=first.device)
        places = (first[:, None] + offsets).clamp(max=len(self.columns) - 1)
        empty = offsets >= lengths[:, None]
        return self.columns[places], self.weights[places].log().masked_fill(empty, -torch.inf)

    def entropy(self) -> Float[Tensor, "R"]:
        """Entropy of each row, in nats."""
        each = -torch.special.xlogy(self.weights, self.weights)
        return each.new_zeros(len(self)).index_add_(0, self.row_of, each)

    def column_sums(self) -> Float[Tensor, "N"]:
        """Sum over rows of each index."""
        return self.weights.new_zeros(self.size).index_add_(0, self.columns, self.weights)

    @property
    def matrix(self) -> csr_array:
        """The same on the CPU, for products with it."""
        parts = (self.weights, self.columns, self.starts)
        arrays = tuple(one.cpu().numpy() for one in parts)
        return csr_array(arrays, shape=(len(self), self.size))

    def dense(self) -> Float[Tensor, "R N"]:
        """All of it; for a few rows."""
        matrix = self.weights.new_zeros(len(self), self.size)
        matrix[self.row_of, self.columns] = self.weights
        return matrix

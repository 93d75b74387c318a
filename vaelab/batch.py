"""A batch: examples and where they came from."""

from typing import NamedTuple

from jaxtyping import Integer, Num
from torch import Tensor


class Batch(NamedTuple):
    """B examples on the training device.

    Attributes:
        x: what the network sees, [B, *event]; int64 [B, T] where they are sentences.
        index: their rows in the split, [B], for strategies that keep something by example.
        predicted: tokens that a model predicts of all of them together; None where there are none.
        weight: of this process's mean gradient among those of all processes, 1 on average; 0
            where these rows are another process's too, who has none of its own left.
    """

    x: Num[Tensor, "B *event"]
    index: Integer[Tensor, "B"]
    predicted: int | None = None
    weight: float = 1.0

    @property
    def counted(self) -> int:
        """Examples that no other process counts."""
        return len(self.x) if self.weight else 0

    @property
    def units(self) -> int:
        """What a sum over the batch is divided by to compare batches: tokens, else examples."""
        return self.counted if self.predicted is None or not self.weight else self.predicted

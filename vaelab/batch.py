"""A batch: examples and where they came from."""

from typing import NamedTuple

from jaxtyping import Float, Integer
from torch import Tensor


class Batch(NamedTuple):
    """B examples on the training device.

    Attributes:
        x: what the network sees, [B, *event].
        index: their rows in the split, [B], for strategies that keep something by example.
    """

    x: Float[Tensor, "B *event"]
    index: Integer[Tensor, "B"]

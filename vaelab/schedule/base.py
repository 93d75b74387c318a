"""What a schedule is: the KL weight beta as a pure function of how far training has come."""

from abc import ABC, abstractmethod
from typing import Literal, TypeVar

from vaelab.errors import UserError

Unit = Literal["epoch", "step"]
Number = TypeVar("Number", int, float)


class Schedule(ABC):
    """beta as a function of a position in epochs.

    With `by="epoch"` the position is the number of the epoch, counted from 1, and beta is
    constant within it (VampPrior's code); with `by="step"` it is the number of updates made,
    the coming one included, over updates an epoch (Lagging's code: incremented before use; for
    text it divides by examples / batch size, a few updates fewer than there are).

    Attributes:
        warmup: epochs after which beta has reached its last value; patience counts from there.
    """

    warmup: float = 0.0

    def __init__(self, by: Unit) -> None:
        self.by = by

    @abstractmethod
    def at(self, position: float) -> float:
        """The KL weight at a position > 0 in epochs."""

    def beta(self, epoch: int, step: int, steps_per_epoch: int) -> float:
        """The KL weight for update `step` (from 0) of epoch `epoch` (from 0)."""
        if self.by == "epoch":
            return self.at(float(epoch + 1))
        return self.at(epoch + (step + 1) / steps_per_epoch)


def not_negative(name: str, value: float) -> float:
    """`value`, refused if it is below 0: a negative KL weight has no lowest loss."""
    if value < 0:
        raise UserError(f"beta.{name}={value}: must be 0 or more")
    return value


def positive(name: str, value: Number) -> Number:
    """`value`, refused unless it is above 0."""
    if value <= 0:
        raise UserError(f"beta.{name}={value}: must be above 0")
    return value

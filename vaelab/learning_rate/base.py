"""What a learning-rate schedule is: a factor on every optimiser's own rate, epoch by epoch.

To add one: a file here with a `LearningRate`, a YAML of the same name in configs/learning_rate.
One that depends on the epoch alone needs nothing more. One that also looks at validation metrics
has an `observe` beside `factor` and keeps what it must remember in `state`, which checkpoints
carry. One that is spread over the whole run has an `of_budget` too.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any


class LearningRate(ABC):
    """Multiplies each optimiser's `lr`.

    Attributes:
        length: epochs it was made for; a shorter run is labelled as cut short. None: any number.
        varies: whether the factor changes; rates are then logged.
        state: what it has learnt from validation; plain values.
    """

    length: int | None = None
    varies: bool = True

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}

    @property
    def reload(self) -> bool:
        """Whether the best epoch's weights are to be loaded now, and optimisers to begin anew."""
        return bool(self.state.get("reload"))

    @property
    def ended(self) -> str | None:
        """Why training is over, in words; None while it goes on."""
        return self.state.get("ended")

    @abstractmethod
    def factor(self, epoch: int) -> float:
        """The factor in force throughout an epoch, counted from 0."""

    def of_budget(self, share: float) -> float | None:
        """The factor of an epoch of a run that ends with a budget of decoder passes.

        Args:
            share: of the budget that is spent; from 1 on, all of it.

        Returns:
            None where epochs decide there too.
        """
        return None

    def observe(self, epoch: int, metrics: Mapping[str, float]) -> str | None:
        """Learn the validation metrics of an epoch, from 0; a sentence if something changed."""
        return None

    def cut_short(self, epochs: int) -> tuple[str, ...]:
        """The label that every result of a run of fewer epochs carries."""
        if self.length is None or epochs >= self.length:
            return ()
        return (f"schedule cut short: {epochs} of {self.length} epochs",)

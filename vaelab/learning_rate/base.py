"""What a learning-rate schedule is: a factor on every optimiser's own rate, epoch by epoch.

To add one: a file here with a `LearningRate`, a YAML of the same name in configs/learning_rate.
One that depends on the epoch alone needs nothing more. One that also looks at validation metrics
will get an `observe` beside `factor`, as an inference strategy has it, and carry what it must
remember in the checkpoint; there is none yet.
"""

from abc import ABC, abstractmethod


class LearningRate(ABC):
    """Multiplies each optimiser's `lr`.

    Attributes:
        length: epochs it was made for; a shorter run is labelled as cut short. None: any number.
        varies: whether the factor changes; rates are then logged.
    """

    length: int | None = None
    varies: bool = True

    @abstractmethod
    def factor(self, epoch: int) -> float:
        """The factor in force throughout an epoch, counted from 0."""

    def cut_short(self, epochs: int) -> tuple[str, ...]:
        """The label that every result of a run of fewer epochs carries."""
        if self.length is None or epochs >= self.length:
            return ()
        return (f"schedule cut short: {epochs} of {self.length} epochs",)

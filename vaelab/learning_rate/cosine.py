"""Half a cosine from the optimisers' own rates down, over the whole of a run."""

import math

from vaelab.errors import UserError
from vaelab.learning_rate.base import LearningRate


class Cosine(LearningRate):
    """The factor least + (1 - least) (1 + cos(pi t)) / 2, t the share of the run that is over.

    That is t = epoch / epochs, or min(1, passes / budget) where training ends with a budget of
    decoder passes: strategies that spend it in different numbers of epochs then all come down.

    Args:
        epochs: of the run; the last one's factor is above `least`, and would go on.
        least: the factor that it comes down to.
    """

    def __init__(self, epochs: int, least: float) -> None:
        super().__init__()
        if not 0 <= least < 1:
            raise UserError(f"learning_rate.least={least:g}: must be 0 or more, and below 1")
        self.epochs = epochs
        self.least = least

    def factor(self, epoch: int) -> float:
        """By the epochs that are over."""
        return self.of_budget(min(epoch, self.epochs - 1) / self.epochs)

    def of_budget(self, share: float) -> float:
        """By the share of the budget that is spent."""
        return self.least + (1 - self.least) * (1 + math.cos(math.pi * min(1.0, share))) / 2

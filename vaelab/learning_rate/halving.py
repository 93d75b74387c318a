"""Semi-Amortized Variational Autoencoders (Kim et al., 2018), 1802.02550, code for text.

From the first late epoch that is no better than the best, the rate is halved after every epoch,
whatever validation says then, until it is small.
"""

import math
from collections.abc import Mapping

from vaelab.errors import UserError
from vaelab.learning_rate.base import LearningRate


class Halving(LearningRate):
    """Halve the rate after every epoch, once one has failed; nothing is loaded.

    An epoch fails where its validation loss, minus the bound at beta = 1, is not below that of
    every epoch before. One that fails before `start` changes nothing, and halving does not stop.

    Args:
        start: the first epoch, counted from 1, whose failure begins it (the authors' code: 15).
        least: training is over when the factor on the rates falls below it (the authors' rate of
            1: 0.03, the sixth halving); 0: never.
    """

    def __init__(self, start: int, least: float) -> None:
        super().__init__()
        if start < 1:
            raise UserError(f"learning_rate.start={start}: must be at least 1")
        if not 0 <= least < 1:
            raise UserError(
                f"learning_rate.least={least:g}: must be 0 (never) or more, and below 1"
            )
        self.start = start
        self.least = least
        self.state = {"best": math.inf, "halvings": 0}

    def factor(self, epoch: int) -> float:
        """Of the halvings that were, whatever the epoch."""
        return 0.5 ** self.state["halvings"]

    def observe(self, epoch: int, metrics: Mapping[str, float]) -> str | None:
        """Compare with the best, and halve."""
        state, loss = self.state, -metrics["bound"]
        failed = not loss < state["best"]
        if not failed:
            state["best"] = loss
        if not state["halvings"] and not (failed and epoch + 1 >= self.start):
            return None
        state["halvings"] += 1
        factor = self.factor(epoch)
        if factor < self.least:
            state["ended"] = f"the learning rate has fallen below {self.least:g} times the first"
        return f"learning rate x {factor:g}"

"""The optimisers' own rates throughout."""

from vaelab.learning_rate.base import LearningRate


class Constant(LearningRate):
    """A factor of 1."""

    varies = False

    def factor(self, epoch: int) -> float:
        """1, whatever the epoch."""
        return 1.0

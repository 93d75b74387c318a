"""Linear KL warm-up: Generating Sentences from a Continuous Space (Bowman et al., 2016)."""

from vaelab.schedule.base import Schedule, Unit, not_negative, positive


class Linear(Schedule):
    """beta = start + (end - start) * min(1, position / warmup).

    VampPrior's schedule is start=0, warmup=100, by=epoch: 0.01 in epoch 1, 1 from epoch 100 on.

    Args:
        start: beta before training.
        end: beta after the warm-up.
        warmup: its length in epochs.
        by: change at each epoch or at each step.
    """

    def __init__(self, start: float, end: float, warmup: float, by: Unit) -> None:
        super().__init__(by)
        self.start = not_negative("start", start)
        self.end = not_negative("end", end)
        self.warmup = positive("warmup", warmup)

    def at(self, position: float) -> float:
        """Linear in the position, then constant."""
        return self.start + (self.end - self.start) * min(1.0, position / self.warmup)

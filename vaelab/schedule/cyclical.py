"""Cyclical Annealing Schedule: A Simple Approach to Mitigating KL Vanishing (Fu et al., 2019).

arXiv 1903.10145, equation 6; the learning rate is left alone, unlike in the authors' script.
"""

import math

from vaelab.errors import UserError
from vaelab.schedule.base import Schedule, Unit, not_negative, positive


class Cyclical(Schedule):
    """Within each of `cycles` cycles of `length` epochs beta rises linearly, then stays at `end`.

    After the last cycle beta is `end`.

    Args:
        start: beta at the beginning of a cycle.
        end: beta at its end.
        cycles: how many.
        length: epochs of one cycle.
        rise: the part of a cycle, in (0, 1], in which beta rises (the paper: 0.5).
        by: change at each epoch or at each step.
    """

    def __init__(
        self, start: float, end: float, cycles: int, length: float, rise: float, by: Unit
    ) -> None:
        super().__init__(by)
        if not 0 < rise <= 1:
            raise UserError(f"beta.rise={rise}: must lie above 0 and up to 1")
        self.start = not_negative("start", start)
        self.end = not_negative("end", end)
        self.length = positive("length", length)
        self.rise = rise
        self.cycles = positive("cycles", cycles)
        # Within a cycle beta falls back, so nothing is settled before the last one has risen.
        self.warmup = length * (cycles - 1 + rise)

    def at(self, position: float) -> float:
        """The fraction of the present cycle, over `rise`, capped at 1."""
        cycle = math.ceil(position / self.length) - 1  # a cycle includes its last position
        if cycle >= self.cycles:
            return self.end
        fraction = position / self.length - cycle
        return self.start + (self.end - self.start) * min(1.0, fraction / self.rise)

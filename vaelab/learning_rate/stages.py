"""Importance Weighted Autoencoders (Burda et al., 2015), 1509.00519, section 5.

Stage i = 0..7 lasts 3^i epochs at 0.001 * 10^(-i/7): 3280 epochs in all, from 1e-3 to 1e-4.
"""

from bisect import bisect_right
from itertools import accumulate

from vaelab.errors import UserError
from vaelab.learning_rate.base import LearningRate


class Stages(LearningRate):
    """Stage i lasts growth^i epochs at a factor of 10^(-i / decade); the last goes on for ever.

    Args:
        stages: how many.
        growth: a stage is so many times as long as the one before it; the first is one epoch.
        decade: stages in which the rate falls to a tenth.
        digits: significant digits the factor is rounded to (the authors' code: 2); null: none.

    Attributes:
        milestones: epochs behind the end of each stage.
    """

    def __init__(self, stages: int, growth: int, decade: float, digits: int | None) -> None:
        super().__init__()
        least = {"stages": stages, "growth": growth, "digits": digits}
        for name, value in least.items():
            if value is not None and value < 1:
                raise UserError(f"learning_rate.{name}={value}: must be at least 1")
        if decade <= 0:
            raise UserError(f"learning_rate.decade={decade:g}: must be more than 0")
        self.decade = decade
        self.digits = digits
        self.milestones = list(accumulate(growth**i for i in range(stages)))
        self.length = self.milestones[-1]

    def factor(self, epoch: int) -> float:
        """10^(-i / decade) in stage i."""
        stage = min(bisect_right(self.milestones, epoch), len(self.milestones) - 1)
        factor = 10.0 ** (-stage / self.decade)
        return factor if self.digits is None else float(f"{factor:.{self.digits - 1}e}")

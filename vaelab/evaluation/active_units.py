"""Active units: Importance Weighted Autoencoders (Burda et al., 2015), 1509.00519, section 5.2.

A unit u is active where Var_x(E_q[u|x]) >= 0.01, variance unbiased, as the VampPrior and Lagging
papers count; Burda et al. count > 0.01.
"""

from jaxtyping import Float, Integer
from torch import Tensor


class RunningVariance:
    """Variance of each column of rows that arrive in batches: the same number in any split.

    Chan, Golub & LeVeque (1979): batch mean and sum of squares are merged, in float64. Never
    waits for the device.
    """

    def __init__(self) -> None:
        self.count = 0
        self.mean: Tensor | None = None
        self.squares: Tensor | None = None

    def add(self, rows: Float[Tensor, "N D"]) -> None:
        """Count N more rows."""
        rows, added = rows.detach().double(), len(rows)  # statistics: nothing is trained by them
        if added == 0:
            return
        mean = rows.mean(0)
        squares = (rows - mean).square().sum(0)
        total = self.count + added
        if self.mean is not None and self.squares is not None:
            shift = mean - self.mean
            squares = self.squares + squares + shift.square() * (self.count * added / total)
            mean = self.mean + shift * (added / total)
        self.mean, self.squares, self.count = mean, squares, total

    @property
    def variance(self) -> Float[Tensor, "D"]:
        """Unbiased (n - 1); NaN of one row."""
        assert self.squares is not None, "nothing was added"
        return self.squares / (self.count - 1) if self.count > 1 else self.squares * float("nan")


def active_units(variance: Float[Tensor, "D"], threshold: float) -> Integer[Tensor, ""]:
    """How many units vary by at least `threshold`."""
    return (variance >= threshold).sum()

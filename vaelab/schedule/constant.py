"""A constant KL weight: 1 is the ELBO, other values are beta-VAE's (Higgins et al., 2017)."""

from vaelab.schedule.base import Schedule, not_negative


class Constant(Schedule):
    """beta = value throughout.

    Args:
        value: the KL weight, 0 or more.
    """

    def __init__(self, value: float) -> None:
        super().__init__("epoch")
        self.value = not_negative("value", value)

    def at(self, position: float) -> float:
        """The value."""
        return self.value

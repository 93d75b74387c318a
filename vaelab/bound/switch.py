"""One bound after another: Importance Weighted Autoencoders (1509.00519), table 2."""

from vaelab.bound.base import Bound, Objective
from vaelab.errors import UserError
from vaelab.model import Terms
from vaelab.traits import Trait


class Switch(Bound):
    """`first` for a share of the epochs, then `second`; optimiser and weights go on.

    Taken by itself (outside training) it is the first.

    Args:
        first: in force from the beginning.
        second: in force for the remaining epochs.
        share: of the epochs that belong to `first`; rounded to whole epochs, at least one each.
        epochs: of the run.
    """

    changes = True

    def __init__(self, first: Bound, second: Bound, share: float, epochs: int) -> None:
        if not 0 < share < 1:
            raise UserError(f"bound.share={share:g}: must lie between 0 and 1")
        if epochs < 2:
            raise UserError(f"epochs={epochs}: a bound that is switched needs 2 epochs or more")
        for name, bound in (("first", first), ("second", second)):
            if bound.two_values or bound.changes:
                kind = type(bound).__name__.lower()
                raise UserError(
                    f"bound.{name}={kind}: a part of a bound that changes logs one value, and does "
                    "not change itself; choose elbo, iwae, miwae, ciwae, stl, dreg or rws"
                )
        self.first = first
        self.second = second
        self.epoch = min(max(round(share * epochs), 1), epochs - 1)
        self.num_samples = first.num_samples
        self.log_qz = first.log_qz
        self.analytic_kl = first.analytic_kl
        self.separate = first.separate or second.separate

    @property
    def needs(self) -> frozenset[Trait]:
        """What either needs."""
        return self.first.needs | self.second.needs

    def __call__(self, terms: Terms, beta: float) -> Objective:
        """The first bound's."""
        return self.first(terms, beta)

    def at(self, epoch: int) -> Bound:
        """The first before epoch `self.epoch` (counted from 0), the second from there on."""
        return self.first if epoch < self.epoch else self.second

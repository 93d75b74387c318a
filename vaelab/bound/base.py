"""What a bound is: from the three log-densities of K samples to a value and what to descend.

To add one: a file here with a `Bound`, a YAML of the same name in configs/bound. A bound sees
only `Terms`; it never calls the model.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from vaelab.model import Terms
from vaelab.posterior import LogQ
from vaelab.traits import Trait


@dataclass(frozen=True)
class Objective:
    """What one evaluation of a bound gives.

    Attributes:
        value: the bound itself at beta = 1, nats per example, detached: what is logged and what
            selects a model, whatever is descended.
        phi_loss: what the encoder's parameters descend, mean over the batch.
        theta_loss: what all others descend; the same object as phi_loss unless the bound gives
            the two groups different targets.
        phi_value: the bound that phi ascends at beta = 1, where it is another than `value`.
        minus_bound: minus the bound at the present beta, mean over the batch and detached, where
            phi_loss is a surrogate: right in its gradient, meaningless as a number.
    """

    value: Float[Tensor, "B"]
    phi_loss: Float[Tensor, ""]
    theta_loss: Float[Tensor, ""]
    phi_value: Float[Tensor, "B"] | None = None
    minus_bound: Float[Tensor, ""] | None = None

    @property
    def loss(self) -> Float[Tensor, ""]:
        """What phi's descent lowers, as a number that can be compared; detached."""
        return self.phi_loss.detach() if self.minus_bound is None else self.minus_bound


class Bound(ABC):
    """A lower bound on log p(x), to be maximised; stateless.

    Attributes:
        num_samples: samples of z for each example.
        log_qz: which derivative of log q(z|x) its estimator uses.
        analytic_kl: whether it wants the closed-form KL divergence.
        separate: whether phi and theta have different objectives.
        two_values: whether `Objective.phi_value` is given.
        changes: whether `at` depends on the epoch.
        of_batch: whether its losses are no means over examples, so that a batch cannot be cut.
    """

    num_samples: int = 1
    log_qz: LogQ = "total"
    analytic_kl: bool = False
    separate: bool = False
    two_values: bool = False
    changes: bool = False
    of_batch: bool = False
    offers: frozenset[Trait] = frozenset()

    @property
    def needs(self) -> frozenset[Trait]:
        """What it needs of prior and architecture."""
        return frozenset()

    @abstractmethod
    def __call__(self, terms: Terms, beta: float) -> Objective:
        """The objective at KL weight `beta`. Called once for the same `terms` in training."""

    def at(self, epoch: int) -> "Bound":
        """The bound in force in an epoch, counted from 0."""
        return self

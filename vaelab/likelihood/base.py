"""What a likelihood is: from the decoder's outputs to p(x|z).

The data set's YAML mounts one; `likelihood=...` overrides it. The decoder makes `num_params`
output channels for each element of the event.
"""

from abc import ABC, abstractmethod
from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from vaelab.traits import Trait


@runtime_checkable
class ObservationModel(Protocol):
    """p(x|z) with batch [K, B] and the data's event shape."""

    @property
    def mean(self) -> Float[Tensor, "K B *event"] | None:
        """Expected x, in the data's units: what pictures show; None where there is no formula."""
        ...

    def log_prob(self, x: Float[Tensor, "B *event"], /) -> Float[Tensor, "K B"]:
        """Log-likelihood log p(x|z) in nats, summed over the event."""
        ...

    def sample(self) -> Float[Tensor, "K B *event"]:
        """One draw of x for each z."""
        ...


class Likelihood(ABC):
    """A family of densities of x; holds no parameters.

    Attributes:
        num_params: decoder outputs for each element of the event.
        discrete: whether log_prob is a log-probability, so that bits per dimension mean something.
        collapses: whether log_prob is linear in x and its squares, and its observation models have
            `expected_log_prob(mean, variance)`, [K, B] of [B, *event]: its mean over any x with
            these moments.
    """

    num_params: int
    discrete: bool
    collapses: bool = False
    offers: frozenset[Trait] = frozenset()
    needs: frozenset[Trait] = frozenset()

    @abstractmethod
    def __call__(self, params: Float[Tensor, "K B P *event"]) -> ObservationModel:
        """The distribution whose parameters these are (any real numbers)."""

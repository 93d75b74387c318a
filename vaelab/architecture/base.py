"""What an architecture is: an encoder x -> q(z|x) and a decoder z -> p(x|z).

To add one: a file here with an `Architecture`, a YAML of the same name in configs/architecture
that names the class and lists its arguments. The builder supplies `shape` (event shape of the
data) and `likelihood`; everything else is in the YAML. The laws in tests/laws run on it as soon
as the YAML exists.
"""

from abc import ABC, abstractmethod

from jaxtyping import Float
from torch import Tensor, nn

from vaelab.dataset.base import Split
from vaelab.distribution import DiagonalGaussian
from vaelab.likelihood.base import ObservationModel
from vaelab.posterior import Latents, Posterior
from vaelab.traits import Trait


class Encoder(nn.Module, ABC):
    """x -> q(z|x)."""

    @abstractmethod
    def forward(self, x: Float[Tensor, "B *event"]) -> Posterior:
        """The posterior of a batch."""


class Decoder(nn.Module, ABC):
    """z -> p(x|z), and p(z_l | levels above) where there is more than one level.

    Attributes:
        autoregressive: p(x|z) is evaluated by teacher forcing and sampled element by element;
            evaluation then takes fewer samples unless told otherwise.
        exact: there is no latent, so that one evaluation is log p(x) itself.
    """

    autoregressive: bool = False
    exact: bool = False

    @abstractmethod
    def forward(self, z: Latents) -> ObservationModel:
        """p(x|z) with batch [K, B] and the data's event shape."""

    def lower(self, z_above: Latents) -> DiagonalGaussian:
        """p(z_l | z_0 .. z_{l-1}) with batch [K, B]; only called with two levels or more."""
        raise TypeError(f"{type(self).__name__} has one latent level")


class Architecture(ABC):
    """An encoder and a decoder built for one event shape and one likelihood.

    Attributes:
        latent_dims: dimension of each latent level, top level first.
    """

    encoder: Encoder
    decoder: Decoder
    latent_dims: tuple[int, ...]
    offers: frozenset[Trait] = frozenset()
    needs: frozenset[Trait] = frozenset()

    def prepare(self, train: Split) -> None:  # noqa: B027 - most have nothing to set
        """Set initial values that come from the training data; called once, before training."""

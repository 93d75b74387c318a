"""What a prior is: a module that, given the encoder, is a density over the top latent.

To add one: a file here with a `Prior`, a YAML of the same name in configs/prior. The builder
supplies `latent_dim`, `shape` and `dataset` to constructors that name them.
"""

from abc import ABC, abstractmethod

from jaxtyping import Float
from torch import Tensor, nn

from vaelab.dataset.base import Split
from vaelab.distribution import DiagonalGaussian, LatentPrior
from vaelab.traits import Trait


class Prior(nn.Module, ABC):
    """p(z_top); its parameters belong to theta."""

    offers: frozenset[Trait] = frozenset()
    needs: frozenset[Trait] = frozenset()
    encoder_rows: int = 0
    """Inputs this prior sends through the encoder each time it is built (VampPrior's K)."""

    @abstractmethod
    def forward(self, encoder: nn.Module) -> LatentPrior:
        """The density; gradients flow to the prior's parameters and, if it uses it, the encoder."""

    def analytic_kl(self, q: DiagonalGaussian) -> Float[Tensor, "B D"]:
        """KL(q || p) by dimension in nats; only with Trait.ANALYTIC_KL."""
        raise TypeError(f"{type(self).__name__} has no closed-form KL divergence")

    def prepare(self, train: Split) -> None:
        """Set initial values that come from the training data; called once, before training."""

    def pseudo_inputs(self) -> Float[Tensor, "C *event"] | None:
        """Inputs the prior's components are made of, for pictures; None where there are none."""
        return None

"""A Surprisingly Effective Fix for Deep Latent Variable Modeling of Text (Li et al., 2019).

arXiv 1909.00868: an autoencoder is trained first, its encoder kept and its decoder thrown away.
"""

from collections.abc import Mapping

from vaelab.batch import Batch
from vaelab.descent import Descent
from vaelab.errors import UserError
from vaelab.posterior import Posterior
from vaelab.trainer.base import InferenceStrategy, Learner
from vaelab.traits import Trait


class Pretrain(InferenceStrategy):
    """Joint descents at beta = 0 for some epochs; then a new decoder, and joint ones at the run's.

    The decoder (all of theta) goes back to the weights it began with, and the optimisers begin
    anew; the schedule of beta counts its epochs from there. Epochs before are never the run's
    model.

    Args:
        epochs: of the autoencoder.
    """

    offers = frozenset({Trait.AMORTISED})
    needs = frozenset({Trait.ENCODER})

    def __init__(self, epochs: int) -> None:
        super().__init__()
        if epochs < 1:
            raise UserError(f"trainer.epochs={epochs}: must be at least 1; trainer=joint has none")
        self.head_start = epochs
        self.state = {"epochs": 0, "restart": False}

    def posterior(self, learner: Learner, batch: Batch) -> Posterior:
        """The encoder's."""
        return learner.vae.encoder(batch.x)

    def update(self, learner: Learner, batch: Batch) -> Descent:
        """One descent on both groups; before the first at the run's beta, a new decoder."""
        if self.state["restart"]:
            learner.restart("theta")
            self.state["restart"] = False
        return learner.descend(batch, "phi", "theta")

    def observe(self, metrics: Mapping[str, float]) -> str | None:
        """Count epochs."""
        self.state["epochs"] += 1
        if self.state["epochs"] != self.head_start:
            return None
        self.state["restart"] = True
        return "the encoder is pre-trained: a new decoder, and the schedule of beta begins"

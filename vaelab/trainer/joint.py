"""Encoder and decoder step together: Auto-Encoding Variational Bayes (Kingma & Welling, 2013)."""

from vaelab.batch import Batch
from vaelab.descent import Descent
from vaelab.posterior import Posterior
from vaelab.trainer.base import InferenceStrategy, Learner
from vaelab.traits import Trait


class Joint(InferenceStrategy):
    """One descent on both groups for each batch."""

    offers = frozenset({Trait.AMORTISED})

    def posterior(self, learner: Learner, batch: Batch) -> Posterior:
        """The encoder's."""
        return learner.vae.encoder(batch.x)

    def update(self, learner: Learner, batch: Batch) -> Descent:
        """One descent on both groups."""
        return learner.descend(batch, "phi", "theta")

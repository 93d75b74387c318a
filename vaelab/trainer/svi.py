"""Stochastic variational inference, the baseline of 1802.02550 without an encoder."""

from vaelab.batch import Batch
from vaelab.descent import Descent
from vaelab.posterior import GaussianPosterior
from vaelab.refine.settings import Reduction, Settings
from vaelab.trainer.base import Learner
from vaelab.trainer.refining import Refining
from vaelab.traits import Trait


class Svi(Refining):
    """Every posterior starts from N(0, I) and is refined; only the decoder learns, at lambda_K.

    The architecture's encoder is there and is never used. (The authors' text evaluation starts
    from 0.1 N(0, I) in means and log-variances, their training from 0, as here.)

    Args:
        latent_dim: dimension of z.
        steps: K.
        step_size: alpha, for the gradient of an example's own ELBO or of the batch's mean.
        momentum: gamma.
        clip: norm to which the gradients of means and of log-variances are scaled down; null: none.
        inner_reduction: "per_example" or "batch_mean" (the authors'), as of trainer=savae.
    """

    needs = frozenset({Trait.LOCAL_POSTERIOR, Trait.OWN_PRIOR})
    encodes = False

    def __init__(
        self,
        latent_dim: int,
        steps: int,
        step_size: float,
        momentum: float,
        clip: float | None,
        inner_reduction: Reduction,
    ) -> None:
        super().__init__(
            Settings(steps, step_size, momentum, clip, "none", inner_reduction, fd_step=1.0)
        )
        self.latent_dim = latent_dim

    def start(self, learner: Learner, batch: Batch) -> GaussianPosterior:
        """N(0, I)."""
        like = next(learner.vae.decoder.parameters())
        zeros = like.new_zeros(len(batch.x), self.latent_dim, requires_grad=False)
        return GaussianPosterior(zeros, zeros)

    def update(self, learner: Learner, batch: Batch) -> Descent:
        """One descent on theta."""
        descent = learner.descend(batch, "theta")
        self.close()
        return descent

"""Semi-Amortized Variational Autoencoders (Kim et al., 2018), 1802.02550, algorithm 1."""

from vaelab.batch import Batch
from vaelab.posterior import GaussianPosterior
from vaelab.refine.settings import InnerGrad, Reduction, Settings
from vaelab.trainer.base import Learner
from vaelab.trainer.refining import Refining
from vaelab.traits import Trait


class Savae(Refining):
    """The encoder's posterior, refined; encoder and decoder learn through the steps.

    Args:
        steps: K; 0 is a plain VAE.
        step_size: alpha, for the gradient of an example's own ELBO or of the batch's mean.
        momentum: gamma.
        clip: norm to which the gradients of means and of log-variances are scaled down; null: none.
        inner_grad: "exact" derivative; by finite differences ("fd"); "official", what the authors'
            code computes; "first_order", the encoder gets what lambda_K gets; "none".
        inner_reduction: "per_example" steps do not depend on the rest of the batch; those on the
            "batch_mean" are the authors', 1/B as long; refused where a batch is cut.
        fd_step: how far an average example moves in lambda for finite differences.
    """

    needs = frozenset({Trait.LOCAL_POSTERIOR, Trait.ENCODER})

    def __init__(
        self,
        steps: int,
        step_size: float,
        momentum: float,
        clip: float | None,
        inner_grad: InnerGrad,
        inner_reduction: Reduction,
        fd_step: float,
    ) -> None:
        super().__init__(
            Settings(steps, step_size, momentum, clip, inner_grad, inner_reduction, fd_step)
        )

    def start(self, learner: Learner, batch: Batch) -> GaussianPosterior:
        """The encoder's."""
        q = learner.vae.encoder(batch.x)
        return GaussianPosterior(q.first.mean, q.first.log_var)

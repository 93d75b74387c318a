"""An encoder that starts stochastic variational inference, learning apart from it (1802.02550).

The baselines VAE+SVI and VAE+SVI+KL of *Semi-Amortized Variational Autoencoders*; the second is
after Krishnan et al. (2017) in amortising towards the refined posterior.
"""

from dataclasses import replace

from jaxtyping import Float
from torch import Tensor

from vaelab.batch import Batch
from vaelab.bound.base import Bound, Objective
from vaelab.distribution import DiagonalGaussian, LatentPrior
from vaelab.model import Terms
from vaelab.posterior import GaussianPosterior
from vaelab.refine.modes import frozen, statistics
from vaelab.refine.settings import Reduction, Settings
from vaelab.trainer.base import Learner, bound_terms
from vaelab.trainer.refining import Refining
from vaelab.traits import Trait


class VaeSvi(Refining):
    """The decoder learns at lambda_K, the encoder by the bound of its own posterior, lambda_0.

    Args:
        steps: K.
        step_size: alpha, for the gradient of an example's own ELBO or of the batch's mean.
        momentum: gamma.
        clip: norm to which the gradients of means and of log-variances are scaled down; null: none.
        inner_reduction: "per_example" or "batch_mean" (the authors'), as of trainer=savae.
    """

    needs = frozenset({Trait.LOCAL_POSTERIOR, Trait.ENCODER})
    separate = True

    def __init__(
        self,
        steps: int,
        step_size: float,
        momentum: float,
        clip: float | None,
        inner_reduction: Reduction,
    ) -> None:
        super().__init__(
            Settings(steps, step_size, momentum, clip, "none", inner_reduction, fd_step=1.0)
        )

    def start(self, learner: Learner, batch: Batch) -> GaussianPosterior:
        """The encoder's."""
        q = learner.vae.encoder(batch.x)
        return GaussianPosterior(q.first.mean, q.first.log_var)

    def objective(self, learner: Learner, batch: Batch, bound: Bound) -> tuple[Objective, Terms]:
        """The loss of theta at lambda_K, of phi at lambda_0; the value is lambda_K's."""
        vae = learner.vae
        prior = vae.prior(vae.encoder)
        start = self.start(learner, batch)
        q = self.refined(learner, batch, start, prior)
        terms = bound_terms(vae, batch, q, bound, prior)
        if batch.weight:
            self.note(q.track, terms, learner.beta)
        loss = self.amortising(learner, batch, bound, start, q, prior)
        return replace(bound(terms, learner.beta), phi_loss=loss), terms

    def amortising(
        self,
        learner: Learner,
        batch: Batch,
        bound: Bound,
        start: GaussianPosterior,
        q: GaussianPosterior,
        prior: LatentPrior,
    ) -> Float[Tensor, ""]:
        """What the encoder descends: the bound at lambda_0, with noise of its own."""
        decoder = learner.vae.decoder
        with frozen(decoder, statistics(decoder)):  # batch norm has moved, once an update
            terms = bound_terms(learner.vae, batch, start, bound, prior)
        return bound(terms, learner.beta).phi_loss

    def passes(self, num_samples: int) -> int:
        """The bound's at lambda_0 too."""
        return super().passes(num_samples) + num_samples


class VaeSviKl(VaeSvi):
    """The same, but the encoder descends KL(q at lambda_0 || q at lambda_K), lambda_K held fixed.

    Its weight is 1 whatever beta is, and no bound is added, as in the authors' code.
    """

    def amortising(
        self,
        learner: Learner,
        batch: Batch,
        bound: Bound,
        start: GaussianPosterior,
        q: GaussianPosterior,
        prior: LatentPrior,
    ) -> Float[Tensor, ""]:
        """The mean divergence over the batch, nats."""
        return divergence(start.first, q.first.detach()).mean()

    def passes(self, num_samples: int) -> int:
        """The steps', and the bound's at lambda_K."""
        return self.settings.passes + num_samples


def divergence(q: DiagonalGaussian, p: DiagonalGaussian) -> Float[Tensor, "B"]:
    """KL(q || p) of Gaussians in nats."""
    squared = (q.mean - p.mean).square() + q.log_var.exp()
    return 0.5 * (p.log_var - q.log_var + squared * (-p.log_var).exp() - 1).sum(-1)

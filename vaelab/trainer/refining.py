"""What the strategies that refine posteriors share: the refinement and what is told of it.

Semi-Amortized Variational Autoencoders (Kim et al., 2018), 1802.02550.
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from vaelab import distributed
from vaelab.batch import Batch
from vaelab.bound.base import Bound, Objective
from vaelab.descent import Descent
from vaelab.distribution import LatentPrior
from vaelab.model import Terms
from vaelab.posterior import GaussianPosterior
from vaelab.refine.refinement import RefinedPosterior, Track, refined, refined_apart
from vaelab.refine.settings import Settings
from vaelab.trainer.base import InferenceStrategy, Learner, bound_terms
from vaelab.traits import Trait

COLUMNS = ("gain", "norm_first", "norm_last", "clipped", "reverse_clipped")


class Refining(InferenceStrategy):
    """A strategy whose q(z|x) is refined by gradient steps, in training and in evaluation.

    In evaluation and validation the KL weight of the steps is 1, in training the run's.

    Args:
        settings: of the refinement.
    """

    needs = frozenset({Trait.LOCAL_POSTERIOR})
    sums_over_examples = ("sums",)

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings
        self.of_batch = settings.inner_reduction == "batch_mean"
        self.second_order = settings.inner_grad == "exact"
        # Sums over the epoch's training examples, and their number; on the device of the tracks.
        self.sums: Tensor | None = None
        self.open: tuple[Track, Tensor, int] | None = None
        self.harmed = False
        self.state = {"warned": False}

    @abstractmethod
    def start(self, learner: Learner, batch: Batch) -> GaussianPosterior:
        """Lambda_0."""

    def posterior(self, learner: Learner, batch: Batch) -> RefinedPosterior:
        """Lambda_K."""
        if torch.is_inference_mode_enabled():  # Lightning's default; no gradient can be taken in it
            with torch.inference_mode(mode=False), torch.no_grad():
                return self.posterior(learner, batch._replace(x=batch.x.clone()))
        vae, start = learner.vae, self.start(learner, batch)
        prior = vae.prior(vae.encoder)
        if vae.training:
            return self.refined(learner, batch, start, prior)
        size, amortised = learner.batch_size, self.encodes
        return refined_apart(self.settings, vae, batch.x, start, prior, size, amortised=amortised)

    def refined(
        self, learner: Learner, batch: Batch, start: GaussianPosterior, prior: LatentPrior
    ) -> RefinedPosterior:
        """Training's steps from `start`."""
        vae, beta = learner.vae, learner.beta
        return refined(self.settings, vae, batch.x, start, prior, beta, amortised=self.encodes)

    def objective(self, learner: Learner, batch: Batch, bound: Bound) -> tuple[Objective, Terms]:
        """The bound at lambda_K; a prior made of the encoder is built once for it and the steps."""
        vae = learner.vae
        prior = vae.prior(vae.encoder)
        q = self.refined(learner, batch, self.start(learner, batch), prior)
        terms = bound_terms(vae, batch, q, bound, prior)
        if batch.weight:
            self.note(q.track, terms, learner.beta)
        return bound(terms, learner.beta), terms

    def passes(self, num_samples: int) -> int:
        """The steps', and the bound's at lambda_K."""
        return self.settings.passes + num_samples

    def update(self, learner: Learner, batch: Batch) -> Descent:
        """One descent on both groups."""
        descent = learner.descend(batch, "phi", "theta")
        self.close()
        return descent

    # -- what is told of it ---------------------------------------------------------------------

    def note(self, track: Track, terms: Terms, beta: float) -> None:
        """Remember a training batch's track until its backward pass is over."""
        self.close()
        last = terms.log_w(beta).mean(0).detach()
        self.open = (track, last, len(last))

    def close(self) -> None:
        """Add the batch that is remembered to the epoch's sums, with no wait for the device."""
        if self.open is None:
            return
        (track, last, rows), self.open = self.open, None
        zero = last.new_zeros(())
        found = [zero] * len(COLUMNS)
        if track.losses:
            found = [
                last.mean() + track.losses[0].mean(),
                track.norms[0].mean(),
                track.norms[-1].mean(),
                torch.stack(track.clipped).mean(),
                zero if track.reverse_clipped is None else track.reverse_clipped,
            ]
        added = rows * torch.stack([*found, zero + 1]).double()
        self.sums = added if self.sums is None else self.sums.to(added.device) + added

    def row(self, epoch: int) -> dict[str, float]:
        """Means over the epoch's training examples.

        refine/gain: nats that the steps add to the ELBO at the run's KL weight, one draw at either
        end; norm_first, norm_last: of an example's gradient at the first and the last step;
        clipped: share of clipped gradients; reverse_clipped: of steps back (official only).
        """
        self.close()
        # Not by sum_over_ranks: a process may have had no example of the epoch.
        every = distributed.everyones(None if self.sums is None else self.sums.tolist())
        self.sums = None
        if not (found := [sums for sums in every if sums is not None]):
            return {}
        *totals, count = (sum(column) for column in zip(*found, strict=True))
        means = dict(zip(COLUMNS, (total / count for total in totals), strict=True))
        self.harmed = not means["gain"] >= 0  # or not a number
        return {f"refine/{name}": mean for name, mean in means.items()}

    def get_extra_state(self) -> dict[str, Any]:
        """With the sums of an epoch that is not over."""
        self.close()
        sums = None if self.sums is None else self.sums.tolist()
        return super().get_extra_state() | {"sums": sums}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Go on with the sums."""
        super().set_extra_state(state)
        sums = state.get("sums")
        self.sums = None if sums is None else torch.tensor(sums, dtype=torch.float64)

    def observe(self, metrics: Mapping[str, float]) -> str | None:
        """Say so, once, where the steps of an epoch's training batches did harm."""
        if self.state["warned"] or not self.harmed:
            return None
        self.state["warned"] = True
        size = self.settings.step_size
        return f"refinement lowers the ELBO: choose trainer.step_size below {size:g} or a clip"

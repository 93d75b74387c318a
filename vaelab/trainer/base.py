"""What an inference strategy is: where q comes from, and which parameters step when.

To add one: a file here with an `InferenceStrategy`, a YAML of the same name in configs/trainer.
(The group is called `trainer` because that is what users choose; Lightning's own options are the
group `lightning`.)
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from torch import Tensor, nn

from vaelab.batch import Batch
from vaelab.bound.base import Bound, Objective
from vaelab.dataset.base import Split
from vaelab.descent import Descent
from vaelab.distribution import LatentPrior
from vaelab.model import VAE, Terms
from vaelab.posterior import Posterior
from vaelab.traits import Trait


@runtime_checkable
class Learner(Protocol):
    """What a strategy may do with the task it serves."""

    vae: VAE
    beta: float

    @property
    def batch_size(self) -> int:
        """Examples of a training batch in this process."""
        ...

    def descend(self, batch: Batch, *groups: str) -> Descent:
        """One optimiser step on "phi" (encoder), "theta" (everything else) or both."""
        ...

    def restart(self, *groups: str) -> None:
        """Put these parts back to the values they began with; optimisers begin anew."""
        ...

    def ratio_over_ranks(self, total: Tensor, count: int) -> float:
        """Sum of totals by sum of counts over processes, as a number (waits for the device)."""
        ...

    def random_batch(self) -> Batch:
        """A random training batch, binarised anew where data are."""
        ...


def bound_terms(
    vae: VAE, batch: Batch, q: Posterior, bound: Bound, prior: LatentPrior | None = None
) -> Terms:
    """The densities a bound wants of a batch, whose prior is built here unless it is given."""
    return vae.terms(
        batch.x,
        q,
        bound.num_samples,
        log_qz=bound.log_qz,
        analytic_kl=bound.analytic_kl,
        prior=prior,
    )


class InferenceStrategy(nn.Module, ABC):
    """Where q(z|x) comes from, in training and evaluation, and how parameters are updated.

    What it must remember between updates goes into `state`, a dictionary of plain values, which
    checkpoints carry. Parameters of its own belong to theta.

    Attributes:
        monitors: validation metrics it wants, such as "mi".
        criterion: validation metric by which the best epoch is selected.
        head_start: epochs before the schedule of beta begins, in which beta is 0.
        unfinished: epochs before there is a model to be selected: those of the head start, and
            others under the run's beta.
        separate: whether phi and theta have different objectives.
        of_batch: whether an example's posterior depends on the batch, which then cannot be cut.
        encodes: whether the encoder gives posteriors.
        second_order: whether gradients are differentiated again, which compiled networks cannot.
        sums_over_examples: names in its extra state that hold lists of sums over the examples that
            this process has seen in the epoch, or None.
    """

    monitors: tuple[str, ...] = ()
    criterion: str = "val/bound"
    head_start: int = 0
    separate: bool = False
    of_batch: bool = False
    encodes: bool = True
    second_order: bool = False
    sums_over_examples: tuple[str, ...] = ()
    offers: frozenset[Trait] = frozenset()
    needs: frozenset[Trait] = frozenset()

    def __init__(self) -> None:
        super().__init__()
        self.state: dict[str, Any] = {}

    def prepare(self, train: Split, *, fresh: bool) -> list[str]:
        """Whatever must be known of the training data before the first update.

        Args:
            train: as it is trained on.
            fresh: whether training follows; else a checkpoint does, if it has what is needed.

        Returns:
            what is to be said of it, in sentences.
        """
        return []

    def rate_epoch(self, epoch: int) -> int:
        """The epoch by which a schedule of the learning rate counts, where one begins anew."""
        return epoch

    @property
    def unfinished(self) -> int:
        """See above."""
        return self.head_start

    @property
    def facts(self) -> dict[str, float]:
        """What was known before training, for results.json."""
        return {}

    def passes(self, num_samples: int) -> int:
        """Passes of the decoder for an example of a descent whose bound draws so many samples."""
        return num_samples

    @abstractmethod
    def posterior(self, learner: Learner, batch: Batch) -> Posterior:
        """q(z|x) of a batch."""

    def objective(self, learner: Learner, batch: Batch, bound: Bound) -> tuple[Objective, Terms]:
        """What a descent lowers, and the densities it is made of: the bound of `posterior`."""
        vae, q = learner.vae, self.posterior(learner, batch)
        terms = bound_terms(vae, batch, q, bound)
        return bound(terms, learner.beta), terms

    @abstractmethod
    def update(self, learner: Learner, batch: Batch) -> Descent:
        """Everything that happens for one training batch; returns the last theta descent."""

    def observe(self, metrics: Mapping[str, float]) -> str | None:
        """Learn the validation metrics of an epoch; returns a sentence if something changed."""
        return None

    def row(self, epoch: int) -> dict[str, float]:
        """Numbers of its own for metrics.csv, once at the end of each epoch (from 0)."""
        return {}

    def cost(self) -> dict[str, float | int | None]:
        """What it cost beyond updates, for results.json."""
        return {}

    def get_extra_state(self) -> dict[str, Any]:
        """For the state dict: plain Python values, so that reading them never waits for a GPU."""
        return dict(self.state)

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """From the state dict; what an older one does not know stays as it is."""
        self.state |= state

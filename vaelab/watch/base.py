"""What a watch is: something recorded of a model while it trains, at chosen updates.

To add one: a file here with a `Watch`, a YAML of the same name in configs/watch. Training is not
changed by it: it is called with weights as they are, in evaluation mode, with noise of its own.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from dataclasses import dataclass

from jaxtyping import Integer
from torch import Tensor

from vaelab.batch import Batch
from vaelab.dataset.base import Split
from vaelab.model import VAE
from vaelab.posterior import Posterior
from vaelab.progress import Progress
from vaelab.traits import Trait


@dataclass(frozen=True)
class Watched:
    """A model in training, its training and validation data, and what it took so far.

    Attributes:
        posterior: where q(z|x) comes from under the run's inference strategy.
        rows: training examples.
        batch: reads some of them.
        valid: validation data.
        progress: with the passes of all processes.
        seed: of the run.
    """

    vae: VAE
    posterior: Callable[[Batch], Posterior]
    rows: int
    batch: Callable[[Integer[Tensor, "B"]], Batch]
    valid: Split
    progress: Progress
    seed: int


@dataclass(frozen=True)
class Moments:
    """When it is looked at; updates are decoder updates, before the first of which is 0.

    Attributes:
        updates: these.
        every: and every so many, from 0 on; None: no others.
        epochs: and the last of every epoch.
    """

    updates: Collection[int]
    every: int | None
    epochs: bool

    def include(self, update: int, ends_epoch: bool) -> bool:
        """Whether to look after so many updates."""
        periodic = self.every is not None and update % self.every == 0
        return periodic or update in self.updates or (self.epochs and ends_epoch)


class Watch(ABC):
    """One thing to record.

    Attributes:
        name: of the file of its records.
        moments: when; None: never.
        needs: what other components must offer.
    """

    name: str
    moments: Moments | None = None
    offers: frozenset[Trait] = frozenset()
    needs: frozenset[Trait] = frozenset()

    @abstractmethod
    def record(self, watched: Watched) -> dict[str, Tensor]:
        """What is to be kept, each of the same shape every time.

        Global noise is seeded, by the run's seed alone: what is drawn is the same every time.
        """

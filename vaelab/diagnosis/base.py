"""What a diagnosis is: something measured of trained models beyond their evaluation, and drawn.

To add one: a file here with a `Diagnosis`, a YAML of the same name in configs/diagnosis.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from vaelab.assemble import labels, load_task
from vaelab.batch import Batch
from vaelab.bound.base import Bound
from vaelab.build import device
from vaelab.dataset.base import Dataset, Splits
from vaelab.errors import UserError
from vaelab.model import VAE
from vaelab.posterior import Posterior
from vaelab.runs.evaluated import weights
from vaelab.runs.run import Run
from vaelab.trainer.base import InferenceStrategy

# Of a label and a total: a context that gives a function to call with each number done.
Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]


@dataclass(frozen=True)
class Loaded:
    """A trained model on its device, in evaluation mode.

    Attributes:
        posterior: where q(z|x) comes from under the run's inference strategy.
        bound: the one in force in `epoch`.
        splits: the data it was trained with, on the same device.
        config: of the run.
        epoch: whose weights these are, counted from 1.
        labels: marks of every result of this run, such as "stand-in".
        dataset: what the splits are of; None: they are of no data set.
        inference: the run's strategy; None: there is only `posterior`.
    """

    vae: VAE
    posterior: Callable[[Batch], Posterior]
    bound: Bound
    splits: Splits
    config: Mapping[str, Any]
    epoch: int
    labels: list[str]
    dataset: Dataset | None = None
    inference: InferenceStrategy | None = None

    @property
    def device(self) -> torch.device:
        """Where the model and its data are."""
        return self.splits.train.x.device


@dataclass(frozen=True)
class Subject:
    """A finished run that is diagnosed.

    Attributes:
        label: what sets it apart from the others, for legends.
        config: the run's, but for where it is done.
    """

    label: str
    run: Run
    config: Mapping[str, Any]

    def load(self, epoch: int | None = None) -> Loaded:
        """With the weights of an epoch, one of its `snapshots`; None: of the selected epoch.

        Raises:
            UserError: there are none, the data cannot be read, or the model has no latent.
        """
        task, parts, found = load_task(self.config, weights(self.run, self.config, epoch))
        if task.vae.decoder.exact:
            raise UserError(f"{self.run} has no latent: there is no posterior to diagnose")
        place = device(self.config)
        task = task.to(place).eval()
        return Loaded(
            vae=task.vae,
            posterior=lambda batch: task.inference.posterior(task, batch),
            bound=task.bound.at(max(0, found - 1)),
            splits=task.splits.to(place),
            config=self.config,
            epoch=found,
            labels=labels(self.config, parts),
            dataset=parts.dataset,
            inference=task.inference,
        )


class Diagnosis(ABC):
    """One way to look at models; its constructor takes the settings in its YAML, every one.

    Attributes:
        runs: the least and the most runs it takes; None: any number.
        of_a_run: settings without effect where there is no run.
        of_no_run: settings without effect where there is one.
    """

    runs: tuple[int, int | None] = (1, None)
    of_a_run: frozenset[str] = frozenset()
    of_no_run: frozenset[str] = frozenset()

    @abstractmethod
    def __call__(self, subjects: Sequence[Subject], folder: Path, progress: Progress) -> list[Path]:
        """Measure and draw.

        Args:
            subjects: as many runs as `runs` allows.
            folder: exists and is empty; everything is written into it.
            progress: shows a bar at a terminal; one at a time.

        Returns:
            the files it wrote.
        """

    @abstractmethod
    def summary(self, folder: Path) -> list[str]:
        """What was found, in a few lines for a terminal; read from the files in `folder`."""

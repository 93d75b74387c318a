"""What a run records while it trains: watch/<name>.npz, the same after any kill."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from vaelab import distributed
from vaelab.seeding import noise
from vaelab.task import Task
from vaelab.watch import records
from vaelab.watch.base import Moments, Watch, Watched

Record = dict[str, Tensor]
PASSES = ("encoder_passes", "decoder_passes")


class Watching(pl.Callback):
    """Looks at the model between updates, and keeps what it saw in checkpoints.

    Comes before `Checkpointing` among the callbacks, so that last.ckpt never knows of a record
    that the file lacks. The file is written at epochs' ends; an epoch's last record is of the
    weights that are validated, before any decay of the learning rate goes back to others.

    Args:
        watch: what is recorded.
        moments: when.
        folder: of the run.
    """

    def __init__(self, watch: Watch, moments: Moments, folder: Path) -> None:
        self.watch = watch
        self.moments = moments
        self.path = records.path_of(folder, watch.name)
        self.records: list[Record] = []
        self.written = 0

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Listen to updates, before whoever writes a checkpoint after one."""
        assert isinstance(pl_module, Task)
        pl_module.after_update.insert(0, self.look)
        if trainer.is_global_zero:
            self.write()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Before the first update; a resumed run has looked already."""
        assert isinstance(pl_module, Task)
        if pl_module.progress.updates == 0:
            self.look(pl_module)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Put the epoch's records into the file."""
        if trainer.is_global_zero:
            self.write()

    def look(self, task: Task) -> None:
        """Record, if it is time; the first process does, of what all of them took."""
        progress = task.progress
        if not self.moments.include(progress.updates, progress.step == task.steps_per_epoch):
            return
        passes = {name: distributed.total(getattr(progress, name)) for name in PASSES}
        if distributed.rank() > 0:
            return
        train, seed = task.splits.train, task.recipe.seed
        watched = Watched(
            vae=task.vae,
            posterior=lambda batch: task.inference.posterior(task, batch),
            rows=len(train),
            batch=lambda index: task.feed.read(train, index),
            valid=task.splits.valid,
            progress=replace(progress, **passes),
            seed=seed,
        )
        with torch.no_grad(), evaluating(task), noise(task.device, seed, "watch"):
            seen = self.watch.record(watched)
        when = {
            "update": progress.updates,
            "encoder_updates": progress.encoder_updates,
            "decoder_updates": progress.decoder_updates,
        }
        numbers = {name: torch.tensor(value) for name, value in when.items()}
        self.records.append(numbers | {name: value.cpu() for name, value in seen.items()})

    def write(self) -> None:
        """The file, if there is anything new."""
        if len(self.records) > self.written:
            records.write(self.records, self.path)
            self.written = len(self.records)

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint."""
        if not self.records:
            return {}
        # A tensor each for all records: a checkpoint of thousands of small ones is slow.
        return {name: torch.stack([one[name] for one in self.records]) for name in self.records[0]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From the checkpoint."""
        names, stacks = state_dict.keys(), state_dict.values()
        self.records = [dict(zip(names, one, strict=True)) for one in zip(*stacks, strict=True)]


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Evaluation mode inside, each part's own mode afterwards."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training

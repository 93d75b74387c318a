"""Weights of chosen epochs, kept to be evaluated later: checkpoints/epoch-<n>.ckpt."""

from collections.abc import Collection
from pathlib import Path

import pytorch_lightning as pl

from vaelab import checkpoint
from vaelab.callback.checkpointing import keep
from vaelab.runs.evaluated import snapshot_name
from vaelab.task import Task


class Snapshots(pl.Callback):
    """Writes the weights, and the state of the inference strategy, after each of some epochs.

    Comes before `Checkpointing` among the callbacks: last.ckpt never knows of an epoch whose
    snapshot is lost. A run killed in between repeats the epoch and writes the same again.

    Args:
        folder: where the files go.
        epochs: counted from 1; those that training does not reach are not there.
    """

    def __init__(self, folder: Path, epochs: Collection[int]) -> None:
        self.folder = folder
        self.epochs = frozenset(epochs)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write, if it is one of them; the task counts the epoch that has ended already."""
        assert isinstance(pl_module, Task)
        epoch = pl_module.progress.epoch
        if epoch in self.epochs and trainer.is_global_zero:
            checkpoint.write(keep(pl_module), self.folder / snapshot_name(epoch))

"""Ends training between updates when it is asked to."""

import signal
from typing import Any

import pytorch_lightning as pl

from vaelab import distributed
from vaelab.callback.checkpointing import Checkpointing
from vaelab.errors import Interrupted
from vaelab.session import Stops
from vaelab.task import Task


class Stopping(pl.Callback):
    """Writes a checkpoint and raises `Interrupted` once a signal has come, to whichever process.

    With one process that is after the update; with several after the block of updates, a quarter
    of a second or one update, since they must agree.

    Args:
        stops: signals to this process.
        checkpointing: writes the checkpoint.
    """

    def __init__(self, stops: Stops, checkpointing: Checkpointing) -> None:
        self.stops = stops
        self.checkpointing = checkpointing
        self.handler = signal.getsignal(signal.SIGTERM)

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Listen to updates, or to signals."""
        assert isinstance(pl_module, Task)
        if distributed.world_size() == 1:
            pl_module.after_update.append(lambda task: self.stop(trainer, task, self.stops.asked))
        elif self.handler is not None:
            # Lightning's tells the others in the middle of whatever they are about: a deadlock.
            signal.signal(signal.SIGTERM, self.handler)
        self.stops.listen()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any
    ) -> None:
        """Ask all processes."""
        assert isinstance(pl_module, Task)
        if distributed.world_size() > 1:
            self.stop(trainer, pl_module, distributed.any_of(self.stops.asked))

    def stop(self, trainer: pl.Trainer, task: Task, asked: bool) -> None:
        """Stop here, if it is asked for."""
        if asked:
            self.checkpointing.write(trainer, task)
            raise Interrupted(f"stopped in epoch {task.progress.epoch + 1}")

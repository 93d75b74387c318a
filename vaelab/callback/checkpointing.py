"""When checkpoints are written: after epochs, every ten minutes within one, and when stopped."""

import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from vaelab import checkpoint, distributed
from vaelab.callback.selection import Selection
from vaelab.task import Task

Content = dict[str, Any]


class Checkpointing(pl.Callback):
    """Writes best.ckpt and last.ckpt, in this order, so that last never knows of a lost best.

    Epochs shorter than a second are not each worth a file: the best weights wait in memory and
    both files are written once `every` seconds have passed. A run killed in between repeats a
    few epochs and, being deterministic, finds the same.

    Args:
        folder: where the two files go.
        selection: says which epoch is best.
        every: seconds between checkpoints at epochs' ends.
        within: seconds between checkpoints inside an epoch.
    """

    def __init__(
        self, folder: Path, selection: Selection, every: float = 1.0, within: float = 600.0
    ) -> None:
        self.best = folder / "best.ckpt"
        self.last = folder / "last.ckpt"
        self.selection = selection
        self.every = every
        self.within = within
        self.written = time.monotonic()  # or when training began, before the first
        self.pending: Content | None = None

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock."""
        self.written = time.monotonic()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any
    ) -> None:
        """Inside a long epoch; its last update is left to the epoch's own checkpoint."""
        assert isinstance(pl_module, Task)
        due = distributed.any_of(time.monotonic() - self.written > self.within)
        if due and pl_module.progress.step < pl_module.steps_per_epoch:
            self.write(trainer, pl_module)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Keep the best weights; write if it is time or training is over."""
        assert isinstance(pl_module, Task)
        if self.selection.improved or not (self.pending or self.best.exists()):
            self.pending = keep(pl_module)
        if pl_module.rates.schedule.reload:
            self.reload(trainer, pl_module)
        due = trainer.should_stop or time.monotonic() - self.written > self.every
        if distributed.any_of(due):
            self.write(trainer, pl_module)

    def reload(self, trainer: pl.Trainer, task: Task) -> None:
        """Put the best epoch's weights back, and let the optimisers forget; the rest goes on.

        An inference strategy's state is no weight: an aggressive phase that is over stays over.
        """
        if trainer.is_global_zero:
            best = self.pending or checkpoint.read(self.best, task.device)
            own = task.vae.state_dict(keep_vars=True)
            with torch.no_grad():
                for name, value in own.items():
                    value.copy_(best["model"][f"vae.{name}"])
        distributed.from_first(list(task.vae.state_dict().values()))
        task.renew_optimizers()

    def write(self, trainer: pl.Trainer, task: Task) -> None:
        """Write both files now; all processes come here together."""
        shares = distributed.everyones(checkpoint.share(task))
        now = time.monotonic()
        task.progress.wall += now - self.written
        self.written = now
        if trainer.is_global_zero:
            if self.pending is not None:
                checkpoint.write(self.pending, self.best)
            callbacks: list[pl.Callback] = trainer.callbacks  # pyright: ignore
            checkpoint.write(checkpoint.snapshot(task, callbacks, shares), self.last)
        self.pending = None


def keep(task: Task) -> Content:
    """A copy of the weights as they are, in a checkpoint's layout."""
    content = checkpoint.snapshot(task, [])
    content["model"] = {
        name: value.detach().clone() if isinstance(value, torch.Tensor) else value
        for name, value in content["model"].items()
    }
    return {name: content[name] for name in ("format", "vaelab", "model", "progress")}

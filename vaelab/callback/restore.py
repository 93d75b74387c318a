"""Puts a checkpoint back, and keeps account of how many processes have trained the run."""

import logging

import pytorch_lightning as pl

from vaelab import checkpoint, distributed
from vaelab.run import Run
from vaelab.task import Task

log = logging.getLogger(__name__)


class Restore(pl.Callback):
    """Once optimisers exist and everything is on its device; before any other callback looks.

    The number of processes may be another than the checkpoint's. Batches are the same then: they
    are functions of the seed. Noise is one stream for each process and comes out otherwise, so
    that the run ends with other numbers than an uninterrupted one, of the same distribution; it
    says so, and so do its results.

    Args:
        content: of the checkpoint; None for a run that begins.
        run: whose results have `processes`, each number that has trained it, in order.
    """

    def __init__(self, content: checkpoint.Content | None, run: Run) -> None:
        self.content = content
        self.run = run

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Put it back."""
        assert isinstance(pl_module, Task)
        world, before = distributed.world_size(), []
        if self.content is not None:
            callbacks: list[pl.Callback] = trainer.callbacks  # pyright: ignore
            checkpoint.restore(self.content, pl_module, callbacks)
            before = [len(checkpoint.shares(self.content))]
        if not trainer.is_global_zero or {*before, world} == {1}:
            return
        used = self.run.read().get("processes") or before
        if before and before[-1] != world:
            log.warning(
                "trained by %d %s so far and by %d from here on: the same batches, other noise",
                before[-1], "processes" if before[-1] > 1 else "process", world,
            )  # fmt: skip
        self.run.update(processes=used if used[-1:] == [world] else [*used, world])

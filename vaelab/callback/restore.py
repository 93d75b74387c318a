"""Puts a checkpoint back, and keeps account of how many processes have trained the run."""

import logging
import time

import pytorch_lightning as pl

from vaelab import checkpoint, distributed
from vaelab.errors import UserError
from vaelab.runs.run import Run
from vaelab.task import Task

log = logging.getLogger(__name__)
SEEN = 30.0  # seconds until a file of one machine is surely seen by another that shares the folder


class Restore(pl.Callback):
    """Once optimisers exist and everything is on its device; before any other callback looks.

    The number of processes may be another than the checkpoint's. Batches are the same then: they
    are functions of the seed. Noise is one stream for each process and comes out otherwise, so
    that the run ends with other numbers than an uninterrupted one, of the same distribution; it
    says so, and so do its results.

    Args:
        content: of the checkpoint; None for a run that begins.
        run: whose results have `processes`, each number that has trained it, in order.
        identity: of the run, the same in all of its processes.
    """

    def __init__(self, content: checkpoint.Content | None, run: Run, identity: str) -> None:
        self.content = content
        self.run = run
        self.identity = identity

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Put it back.

        Raises:
            UserError: in all processes, where they are not of one run, in one folder.
        """
        assert isinstance(pl_module, Task)
        world, before = distributed.world_size(), []
        if self.content is not None:
            callbacks: list[pl.Callback] = trainer.callbacks  # pyright: ignore
            checkpoint.restore(self.content, pl_module, callbacks)
            before = [len(checkpoint.shares(self.content))]
        if world > 1:
            self.agree(pl_module.progress.updates)
            # What was computed from the data: the last bits may differ between machines.
            distributed.from_first(list(pl_module.inference.buffers()))
        if not trainer.is_global_zero:
            return
        # An attempt that left no checkpoint has trained nothing of it.
        noted = self.run.read().get("processes")
        used = (noted or before) if self.content is not None else []
        if {*used, *before, world} == {1}:
            if noted:
                self.run.update(processes=None)
            return
        if before and before[-1] != world:
            log.warning(
                "trained by %d %s so far and by %d from here on: the same batches, other noise",
                before[-1], "processes" if before[-1] > 1 else "process", world,
            )  # fmt: skip
        self.run.update(processes=used if used[-1:] == [world] else [*used, world])

    def agree(self, updates: int) -> None:
        """Refuse processes that would train different models into one.

        Raises:
            UserError: in all of them.
        """
        found = distributed.everyones((self.identity, updates, self.record()))
        runs, places, records = (set(column) for column in zip(*found, strict=True))
        if len(runs) > 1:
            raise UserError("the processes that have met here are of different runs")
        if len(records) > 1 or len(places) > 1:
            raise UserError(
                f"the processes of {self.run} do not see the same files: set output_dir to a "
                "folder that all machines share"
            )

    def record(self) -> str | None:
        """What the first process has written into the run's folder, once it can be seen."""
        end = time.monotonic() + SEEN
        while not self.run.results.is_file() and time.monotonic() < end:
            time.sleep(0.5)
        return self.run.read().get("record")

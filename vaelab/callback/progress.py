"""The live line: where training is, what it has reached, how fast, and how long it will take.

The same goes into the run's heartbeat, for whoever is not at this terminal.
"""

import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from rich.console import Console
from rich.live import Live
from rich.text import Text

from vaelab.bound.elbo import Elbo
from vaelab.callback.selection import Selection
from vaelab.composing.spelling import duration
from vaelab.runs.heartbeat import EVERY, Heartbeat, write
from vaelab.task import Task


class LiveLine(pl.Callback):
    """One line that is rewritten on a terminal; elsewhere a line now and then.

    Args:
        console: where to write.
        selection: knows the last epoch and the best one.
        units: latent dimensions of all levels.
        label: in front of each line, where several runs write to one place.
        folder: of the run, for its heartbeat; None: without one.
        every: seconds between lines where there is no terminal.
        within: the same inside an epoch.
    """

    def __init__(
        self,
        console: Console,
        selection: Selection,
        units: int,
        label: str = "",
        folder: Path | None = None,
        every: float = 10.0,
        within: float = 60.0,
    ) -> None:
        self.console = console
        self.selection = selection
        self.units = units
        self.label = label
        self.folder = folder
        self.every = every
        self.within = within
        self.live: Live | None = None
        self.started = self.shown = time.monotonic()
        self.beaten = -EVERY
        self.first_epoch = self.before = 0.0
        self.last_row: dict[str, float] = {}
        self.last_is_elbo = True  # whether that row's bound is the ELBO

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin; a resumed run's time to finish counts from where it resumes."""
        assert isinstance(pl_module, Task)
        self.started = time.monotonic()
        self.first_epoch = position(pl_module)
        self.before = pl_module.progress.wall
        self.beat(pl_module, trainer, 0.0)
        if self.console.is_terminal and trainer.is_global_zero:
            self.live = Live(console=self.console, auto_refresh=False, transient=False)
            self.live.start()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any
    ) -> None:
        """Refresh at most four times a second; without a terminal, a line a minute."""
        assert isinstance(pl_module, Task)
        self.beat(pl_module, trainer)
        passed = time.monotonic() - self.shown
        if self.live is not None and passed > 0.25:
            self.shown = time.monotonic()
            self.live.update(Text(self.line(pl_module), no_wrap=True), refresh=True)
        elif self.live is None and passed > self.within and trainer.is_global_zero:
            self.shown = time.monotonic()
            self.console.print(self.line(pl_module), soft_wrap=True)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take in an epoch's metrics; where there is no terminal, print a line if it is time."""
        assert isinstance(pl_module, Task)
        self.beat(pl_module, trainer)
        self.last_row = pl_module.row
        self.last_is_elbo = isinstance(pl_module.bound.at(pl_module.progress.epoch), Elbo)
        if pl_module.note and trainer.is_global_zero:
            self.console.print(f"epoch {pl_module.progress.epoch + 1}: {pl_module.note}")
        if not trainer.is_global_zero:
            return
        if self.live is not None:
            self.live.update(Text(self.line(pl_module), no_wrap=True), refresh=trainer.should_stop)
            return
        due = time.monotonic() - self.shown > self.every
        if due or trainer.should_stop or pl_module.progress.epoch == 0:
            self.shown = time.monotonic()
            self.console.print(self.line(pl_module), soft_wrap=True)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Leave the last line standing."""
        assert isinstance(pl_module, Task)
        self.beat(pl_module, trainer, 0.0, "evaluating")
        self.close()

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Give the terminal back."""
        self.close()

    def close(self) -> None:
        """Stop rewriting."""
        if self.live is not None:
            self.live.stop()
            self.live = None

    def line(self, task: Task) -> str:
        """epoch, beta, bound, ELBO and its parts, active units, examples/s, time to finish."""
        progress, epochs, done = task.progress, self.selection.epochs, position(task)
        parts = [self.label] if self.label else []
        epoch = f"epoch {progress.epoch + 1}/{epochs}"
        if 0 < progress.step < task.steps_per_epoch and slow(task):
            epoch += f", batch {progress.step}/{task.steps_per_epoch}"
        parts += [epoch, f"beta {task.beta:.2f}"]
        if row := self.last_row:
            if not self.last_is_elbo:
                parts.append(f"bound {row['train/bound']:.2f} (valid {row['val/bound']:.2f})")
            name = "ELBO" if self.units else "log p(x)"
            parts.append(f"{name} {row['train/elbo']:.2f} (valid {row['val/elbo']:.2f})")
            latent = [
                f"reconstruction {row['val/reconstruction']:.2f}",
                f"KL {row['val/kl']:.2f}",
                *([information(row)] if "val/mi" in row else []),
                f"active {row['val/au']:.0f}/{self.units}",
            ]
            parts += latent if self.units else []
            if row.get("encoder_steps", 1.0) > 1:
                parts.append(f"{row['encoder_steps']:.0f} encoder steps a batch")
        if progress.seconds > 0:
            examples = progress.updates * len(task.splits.train) / task.steps_per_epoch
            parts.append(f"{examples / progress.seconds:,.0f} examples/s")
        if (left := self.left(task)) is not None:
            parts.append(f"{duration(left)} left" if done < epochs else "done")
        return " · ".join(parts)

    def left(self, task: Task) -> float | None:
        """Seconds to the last epoch at the pace of this process; None before it has one."""
        done = position(task)
        if (passed := done - self.first_epoch) <= 0:
            return None
        return (self.selection.epochs - done) / passed * (time.monotonic() - self.started)

    def beat(
        self, task: Task, trainer: pl.Trainer, every: float = EVERY, stage: str = "training"
    ) -> None:
        """Write the heartbeat if it is time. All of it are plain numbers of this process."""
        if self.folder is None or not trainer.is_global_zero:
            return
        now = time.monotonic()
        if now - self.beaten < every:
            return
        self.beaten = now
        progress, left = task.progress, self.left(task)
        beat = Heartbeat(
            stage=stage,
            epoch=min(progress.epoch + 1, self.selection.epochs),
            epochs=self.selection.epochs,
            batch=progress.step if slow(task) else None,
            batches=task.steps_per_epoch if slow(task) else None,
            left=None if left is None else round(left, 1),
            seconds=round(self.before + now - self.started, 1),
            units=self.units,
        )
        write(self.folder, beat)


def information(row: dict[str, float]) -> str:
    """Mutual information and what it cannot pass."""
    return f"MI {row['val/mi']:.2f} of {row['val/mi_ceiling']:.2f}"


def position(task: Task) -> float:
    """Epochs done, with the fraction of the present one."""
    return task.progress.epoch + task.progress.step / task.steps_per_epoch


def slow(task: Task) -> bool:
    """Whether an epoch takes so long that its batches are worth counting."""
    progress = task.progress
    return progress.seconds / max(1, progress.updates) * task.steps_per_epoch > 20

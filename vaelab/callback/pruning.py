"""Ends a run early on somebody's word, by its validation bounds that are comparable with others'.

They are bounds at beta = 1 of epochs after the warm-up, and after the last change of a bound that
changes: earlier ones say more of the schedule than of the settings.
"""

import math
from collections.abc import Callable
from typing import TypeVar

import pytorch_lightning as pl

from vaelab import distributed
from vaelab.bound.base import Bound
from vaelab.callback.history import History, Row
from vaelab.callback.selection import Selection
from vaelab.errors import Pruned, UserError
from vaelab.task import Task

PATIENCE = 10  # one in so many of a run's epochs must pass before it may be ended
Judge = Callable[[int, float], bool]
C = TypeVar("C", bound=pl.Callback)


class Pruning(pl.Callback):
    """Has every comparable epoch judged, those of a resumed run's checkpoint at the start.

    The run is checkpointed before it ends, so that it can be resumed. One whose last epoch it is
    anyway is complete. Nothing ends in the first tenth of a run's epochs that are comparable: what
    learns fast at first is not what ends best.

    Args:
        judge: told an epoch and its bound, each once and in order; says whether to end.
    """

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.judged = 0
        self.first = 1
        self.earliest = 1
        self.reason: str | None = None

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Judge what a checkpoint holds.

        Raises:
            Pruned: it is not worth going on.
            UserError: there are several processes, of which one alone is told.
        """
        assert isinstance(pl_module, Task)
        if distributed.world_size() > 1:
            raise UserError("runs of several processes cannot be pruned; set pruner=none")
        strategy, epochs = pl_module.inference, _of(trainer, Selection).epochs
        warmup = pl_module.schedule.warmup
        self.first = first_comparable(strategy.unfinished, warmup, pl_module.bound, epochs)
        self.earliest = self.first + epochs // PATIENCE
        self.look(trainer, pl_module)
        if self.reason is not None:
            raise Pruned(self.reason)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Judge the epoch that just ended."""
        assert isinstance(pl_module, Task)
        if _of(trainer, Selection).reason is not None:
            return
        self.look(trainer, pl_module)
        if self.reason is not None:
            trainer.should_stop = True

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Leave, once checkpoints are written and other callbacks are done.

        Raises:
            Pruned: somebody said so.
        """
        if self.reason is not None:
            raise Pruned(self.reason)

    def look(self, trainer: pl.Trainer, task: Task) -> None:
        """Have the epochs judged that were not yet."""
        bounds = comparable(_of(trainer, History).rows, task.inference.criterion, self.first)
        for epoch, bound in bounds.items():
            if epoch > self.judged:
                self.judged = epoch
                if self.judge(epoch, bound) and epoch >= self.earliest:
                    self.reason = f"pruned after epoch {epoch}, with a bound of {bound:.2f}"
                    return


def comparable(rows: list[Row], criterion: str, first: int) -> dict[int, float]:
    """The bound of every epoch from the first that is comparable; by epoch, counted from 1."""
    found = {int(row["epoch"]): row.get(criterion, math.nan) for row in rows}
    return {at: bound for at, bound in found.items() if at >= first and math.isfinite(bound)}


def first_comparable(unfinished: int, warmup: float, bound: Bound, epochs: int) -> int:
    """The first epoch, counted from 1, whose bound may be held against another run's.

    Args:
        unfinished: epochs before there is a model to be selected.
        warmup: epochs of the schedule of beta, after those.
        bound: in force.
        epochs: of the run.
    """
    last = bound.at(epochs - 1)
    changed = epochs
    while changed > 1 and bound.at(changed - 2) is last:
        changed -= 1
    return max(math.floor(unfinished + warmup) + 1, changed)


def _of(trainer: pl.Trainer, kind: type[C]) -> C:
    callbacks: list[pl.Callback] = trainer.callbacks  # pyright: ignore
    (found,) = (one for one in callbacks if isinstance(one, kind))
    return found

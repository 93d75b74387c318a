"""Which epoch is best and when to stop: by the validation bound at beta = 1, never by test data.

Where a strategy's bound is no measure of the model, by its estimate of the validation data's log
p(x) (`InferenceStrategy.criterion`).
"""

import math
from typing import Any

import pytorch_lightning as pl

from vaelab.task import Task


class Selection(pl.Callback):
    """Keeps the best epoch and stops after the last one or when patience is out.

    As VampPrior's code does: the best model may come from the warm-up (the monitored bound has
    beta = 1), but epochs without improvement are counted only once it is over, and training
    stops when there are more than `patience` of them.

    Args:
        epochs: the last epoch.
        patience: epochs without a better bound that are waited for; None: never stop early.
        warmup: epochs in which none are counted.
        head_start: epochs in which there is no model to be selected yet.

    Attributes:
        improved: whether the epoch that just ended is the best so far.
        reason: why training stopped, in words; None while it goes on.
    """

    def __init__(
        self, epochs: int, patience: int | None, warmup: float, head_start: int = 0
    ) -> None:
        self.epochs = epochs
        self.head_start = head_start
        self.patience = patience
        self.warmup = warmup
        self.improved = False
        self.best = -math.inf
        self.best_epoch = 0
        self.bad_epochs = 0
        self.reason: str | None = None
        self.criterion = "bound"

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Judge the epoch that just ended."""
        assert isinstance(pl_module, Task)
        criterion = pl_module.inference.criterion
        self.criterion = criterion.removeprefix("val/").replace("_", " ")
        self.judge(pl_module.progress.epoch + 1, pl_module.row[criterion])
        self.reason = self.reason or pl_module.rates.schedule.ended or budget_spent(pl_module)
        if self.reason is not None:
            trainer.should_stop = True

    def judge(self, epoch: int, bound: float) -> None:
        """Take in the validation bound of an epoch, counted from 1."""
        begun = epoch > self.head_start
        self.improved = begun and math.isfinite(bound) and bound > self.best
        if self.improved:
            self.best, self.best_epoch, self.bad_epochs = bound, epoch, 0
        elif epoch >= self.head_start + self.warmup:
            self.bad_epochs += 1
        if not math.isfinite(bound):
            self.reason = f"the validation {self.criterion} became {bound} in epoch {epoch}"
        elif self.patience is not None and self.bad_epochs > self.patience:
            self.reason = f"no better validation {self.criterion} in {self.bad_epochs} epochs"
        elif epoch >= self.epochs:
            self.reason = f"all {self.epochs} epochs done"

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint."""
        names = ("best", "best_epoch", "bad_epochs", "reason")
        return {name: getattr(self, name) for name in names}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From the checkpoint."""
        for name, value in state_dict.items():
            setattr(self, name, value)


def budget_spent(task: Task) -> str | None:
    """That the decoder has made all passes that it may; None while it has not."""
    share = task.spent_share
    if share is None or share < 1:
        return None
    return f"{task.progress.spent} of {task.recipe.decoder_passes} decoder passes are made"

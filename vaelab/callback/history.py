"""metrics.csv: one row an epoch, and the same row to every logger."""

import csv
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from vaelab.task import Task

Row = dict[str, float]


class History(pl.Callback):
    """Appends each epoch's metrics to a file; a resumed run cuts it back to its checkpoint.

    Args:
        path: the CSV file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[Row] = []

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write what the checkpoint holds, which is nothing for a new run."""
        if trainer.is_global_zero:
            self.rewrite()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Add the epoch that just ended."""
        assert isinstance(pl_module, Task)
        progress = pl_module.progress
        row = {"epoch": progress.epoch + 1, **pl_module.row, "seconds": progress.seconds}
        self.rows.append(row)
        for logger in trainer.loggers:
            logger.log_metrics(row, step=int(row["epoch"]))
        if not trainer.is_global_zero:
            return
        if len(self.rows) == 1 or list(row) != list(self.rows[-2]):
            self.rewrite()
            return
        with self.path.open("a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, row).writerow(row)

    def rewrite(self) -> None:
        """All rows; what some lack, as rows from before a metric existed, stays empty."""
        names = list(dict.fromkeys(name for row in reversed(self.rows) for name in row))
        # The last column is how long it took, whatever the columns before it.
        names.sort(key=lambda name: name == "seconds")
        with self.path.open("w", newline="", encoding="utf-8") as file:
            if self.rows:
                writer = csv.DictWriter(file, names)
                writer.writeheader()
                writer.writerows(self.rows)

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint."""
        return {"rows": [dict(row) for row in self.rows]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From the checkpoint."""
        self.rows = [dict(row) for row in state_dict["rows"]]


def read(path: Path) -> list[Row]:
    """The rows of a metrics.csv; what a row lacks it does not have."""
    with path.open(newline="", encoding="utf-8") as file:
        return [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(file)]

"""Weights & Biases; offline until asked otherwise."""

import os
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import WandbLogger

from vaelab.logger.base import Logged

MODE = "WANDB_MODE"


class Wandb(WandbLogger):
    """Lightning's logger with a run's name, group and id, its sweeps as tags, figures, and an end.

    Without an end the next run of a sweep would be logged into the same record.

    Args:
        logged: the run.
        project: of Weights & Biases.
        offline: whether files are written in the run's folder, for `wandb sync`.
        log_model: whether the run's model is kept as an artifact; not offline.
        name: null: the run's.
        group: null: the run without its seed.
        id: null: the run's, so that a resumed run goes on in its record.
        more: other arguments of wandb.init, such as entity, and tags besides those of sweeps.
    """

    def __init__(
        self,
        logged: Logged,
        project: str,
        offline: bool,
        log_model: bool,
        name: str | None,
        group: str | None,
        id: str | None,
        **more: Any,
    ) -> None:
        import wandb

        self.mode = os.environ.get(MODE)
        # A summary of all metrics would stand in the middle of a sweep's lines.
        more.setdefault("settings", wandb.Settings(quiet=True, silent=offline))
        of_sweeps = [f"sweep-{one}" for one in logged.sweeps]
        super().__init__(
            name=name or logged.name,
            save_dir=str(logged.folder),
            id=id or logged.id,
            project=project,
            offline=offline,
            log_model=log_model,
            group=group or logged.group,
            tags=[*(more.pop("tags", None) or []), *of_sweeps],
            **more,
        )

    def add_files(self, figures: list[Path], checkpoint: Path | None) -> None:
        """Images in one row; texts as files."""
        import wandb

        images = {f"figures/{one.stem}": wandb.Image(str(one)) for one in figures if _image(one)}
        if images:
            self.experiment.log(images)
        for one in figures:
            if not _image(one):
                self.experiment.save(str(one), base_path=str(one.parent.parent), policy="now")
        if checkpoint is not None and self._log_model:
            artifact = wandb.Artifact(f"model-{self.experiment.id}", type="model")
            artifact.add_file(str(checkpoint))
            self.experiment.log_artifact(artifact)

    def close(self, status: str) -> None:
        """Finish, so that the next run of this process has a record of its own."""
        if self._experiment is not None:
            self._experiment.finish(exit_code=0 if status == "complete" else 1)
        if self.mode is None:  # Lightning has set it
            os.environ.pop(MODE, None)
        else:
            os.environ[MODE] = self.mode


def _image(path: Path) -> bool:
    return path.suffix == ".png"

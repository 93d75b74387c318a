"""MLflow; by default a database beside the runs, which needs neither account nor network."""

import os
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import MLFlowLogger

from vaelab.logger.base import Logged

ADDRESS = "MLFLOW_TRACKING_URI"
RUN, GROUP, SWEEPS = "vaelab.run", "vaelab.group", "vaelab.sweeps"
STATUS = {"complete": "FINISHED", "interrupted": "KILLED"}


class Mlflow(MLFlowLogger):
    """Lightning's logger with a run's name, group and sweeps as tags, figures, one record a run.

    MLflow gives a run its id: a resumed run finds its record by its tag.

    Args:
        logged: the run.
        experiment_name: of MLflow.
        tracking_uri: of a server or a database; null: MLFLOW_TRACKING_URI, else
            output_dir/mlflow.db.
        log_model: whether the run's model is kept as an artifact.
        run_name: null: the run's.
        tags: more of them; null: none.
    """

    def __init__(
        self,
        logged: Logged,
        experiment_name: str,
        tracking_uri: str | None,
        log_model: bool,
        run_name: str | None,
        tags: dict[str, str] | None,
    ) -> None:
        uri = tracking_uri or os.environ.get(ADDRESS)
        artifacts = None
        if uri is None:
            root = logged.root.resolve()
            root.mkdir(parents=True, exist_ok=True)
            uri, artifacts = f"sqlite:///{root / 'mlflow.db'}", (root / "mlflow").as_uri()
        found = record(uri, experiment_name, artifacts, logged.id)
        sweeps = ",".join(logged.sweeps)
        super().__init__(
            experiment_name=experiment_name,
            run_name=run_name or logged.name,
            tracking_uri=uri,
            tags={RUN: logged.id, GROUP: logged.group, SWEEPS: sweeps} | (tags or {}),
            run_id=found,
        )
        self.keeps_model = log_model
        if found is not None:
            self.experiment.update_run(found, status="RUNNING")
            self.experiment.set_tag(found, SWEEPS, sweeps)  # it may be of one more by now

    def log_hyperparams(self, params: dict[str, Any]) -> None:  # pyright: ignore
        """Those that the record has not: it never changes one."""
        from lightning_fabric.utilities.logger import _flatten_dict

        there = self.experiment.get_run(str(self.run_id)).data.params
        flat = _flatten_dict(params)
        super().log_hyperparams({key: one for key, one in flat.items() if key not in there})

    def add_files(self, figures: list[Path], checkpoint: Path | None) -> None:
        """As artifacts."""
        run_id = str(self.run_id)
        for one in figures:
            self.experiment.log_artifact(run_id, str(one), "figures")
        if checkpoint is not None and self.keeps_model:
            self.experiment.log_artifact(run_id, str(checkpoint), "checkpoints")

    def close(self, status: str) -> None:
        """Say how it went; Lightning knows of training alone."""
        self.experiment.set_terminated(str(self.run_id), STATUS.get(status, "FAILED"))


def record(uri: str, experiment: str, artifacts: str | None, run: str) -> str | None:
    """The id of a run's record, if it has one; the experiment is there afterwards."""
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    client = MlflowClient(uri)
    if client.get_experiment_by_name(experiment) is None:
        try:
            client.create_experiment(experiment, artifact_location=artifacts)
        except MlflowException:  # another run of a sweep was faster
            if client.get_experiment_by_name(experiment) is None:
                raise
    there = client.get_experiment_by_name(experiment)
    assert there is not None
    found = client.search_runs([there.experiment_id], f"tags.`{RUN}` = '{run}'", max_results=1)
    return found[0].info.run_id if found else None

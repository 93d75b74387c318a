"""Loggers get settings, rows, results and figures, one record a run, and no secret."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
import pytorch_lightning as pl
from pytorch_lightning.loggers import Logger
from rich.console import Console
from small import config

from vaelab import fit
from vaelab.callback import history
from vaelab.cli import main
from vaelab.composing import identity
from vaelab.errors import Interrupted
from vaelab.logger.base import logged, recorded
from vaelab.runs.run import Run
from vaelab.sweeps import sweep as swept

SETTINGS = ("epochs=2", "dataset.binarise=fixed")


class Recorder(Logger):
    """Keeps what it is told; there is one for all runs of a test."""

    made: list = []  # noqa: RUF012

    def __init__(self, logged, fails: bool) -> None:
        super().__init__()
        self.logged, self.fails = logged, fails
        self.params, self.rows, self.files, self.status = {}, [], [], []
        self.made.append(self)

    name = version = "recorder"

    def log_hyperparams(self, params, *_):
        self.params = params

    def log_metrics(self, metrics, step=None):
        self.rows.append((step, dict(metrics)))

    def add_files(self, figures, checkpoint):
        if self.fails:
            raise OSError("the server is down")
        self.files += [*(one.name for one in figures), checkpoint.name]

    def close(self, status):
        self.status.append(status)


class Stop(pl.Callback):
    """A signal after the first epoch."""

    def on_train_epoch_end(self, trainer, pl_module):
        raise Interrupted("stopped in epoch 1")


@pytest.fixture
def recorders(monkeypatch):
    monkeypatch.setattr(Recorder, "made", [])
    return Recorder.made


def recorder(fails=False):
    return {"_target_": f"{__name__}.Recorder", "fails": fails}


def settings(folder, *words):
    return config(*SETTINGS, f"output_dir={folder}", *words)


def trained(found, *extra, said=None):
    run = Run(identity.folder(found))
    run.folder.mkdir(parents=True, exist_ok=True)
    console = Console(file=said, width=300) if said else Console(quiet=True)
    fit.fit(found, run, console, "", *extra)
    return run


def rows_of(run):
    return history.read(run.folder / "metrics.csv")


def reported(run):
    return run.read()["metrics"]["test"]["nll"]["value"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run with three loggers, one of which fails in the end; and what was said."""
    pytest.importorskip("tensorboard")
    folder = tmp_path_factory.mktemp("loggers")
    found = settings(folder / "outputs", "logger=tensorboard")
    found["logger"] = {"down": recorder(fails=True), **found["logger"], "own": recorder()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Recorder, "made", [])
        with (folder / "said").open("w") as said:
            run = trained(found, said=said)
        return run, Recorder.made, (folder / "said").read_text()


def test_a_logger_gets_settings_rows_results_and_figures(whole):
    run, (_, one), _ = whole
    assert one.params["architecture"]["latent_dim"] == 3
    assert [step for step, _ in one.rows] == [1, 2, 2]
    for (_, told), row in zip(one.rows, rows_of(run), strict=False):
        assert told == pytest.approx(row)
    assert one.rows[-1][1]["test/nll"] == reported(run)
    assert {"samples.png", "reconstructions.png", "curves.png", "best.ckpt"} <= set(one.files)
    assert one.status == ["complete"]


def test_a_logger_that_fails_in_the_end_costs_nothing(whole):
    run, (down, other), said = whole
    assert "add_files failed: OSError: the server is down" in said
    assert (down.files, down.status) == ([], ["complete"])
    assert other.files
    assert "cost" in run.read()


def test_tensorboard_has_rows_results_and_figures(whole):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run, _, _ = whole
    (folder,) = {events.parent for events in run.folder.rglob("events.out*")}
    seen = EventAccumulator(str(folder)).Reload()
    assert [one.step for one in seen.Scalars("val/bound")] == [1, 2]
    assert seen.Scalars("val/bound")[-1].value == pytest.approx(rows_of(run)[-1]["val/bound"])
    assert seen.Scalars("test/nll")[0].value == pytest.approx(reported(run), rel=1e-6)
    assert "figures/samples" in seen.Tags()["images"]


def test_a_run_that_is_stopped_closes_its_record(tmp_path, recorders):
    found = settings(tmp_path) | {"logger": {"own": recorder()}}
    with pytest.raises(Interrupted):
        trained(found, Stop())
    assert recorders[0].status == ["interrupted"]
    assert recorders[0].files == []


def test_names_are_folders_and_seeds_are_a_group(tmp_path):
    def known(*words, folder=None):
        found = config(*words, f"output_dir={tmp_path}")
        return logged(found, Run(folder or identity.folder(found)))

    first, second, other = known(), known("seed=2"), known("prior=mog")
    assert tmp_path / "train" / first.name == identity.folder(config(f"output_dir={tmp_path}"))
    assert first.name.startswith("digits-mlp-standard-elbo-joint/")
    assert first.group == second.group != other.group
    assert len({one.id for one in (first, second, other)}) == 3
    assert known("lightning.devices=2").id == first.id  # resumed elsewhere, it is the same run
    beside = known(folder=first.folder.with_name("seed1-2"))  # fresh=true
    assert beside.id != first.id


def test_the_same_settings_elsewhere_are_another_record(tmp_path):
    def known(folder):
        found = config(f"output_dir={folder}")
        run = Run(identity.folder(found))
        with run.lock():
            run.write_config(found, [])
        return logged(found, run)

    first, second = known(tmp_path / "mine"), known(tmp_path / "yours")
    assert (first.name, first.group) == (second.name, second.group)
    assert first.id != second.id
    assert known(tmp_path / "mine").id == first.id  # resumed


def test_a_run_knows_the_sweeps_it_is_of(tmp_path):
    found = config(f"output_dir={tmp_path}")
    run = Run(identity.folder(found))
    other = run.folder.with_name("seed2")
    assert logged(found, run).sweeps == ()
    both = [swept.begin(tmp_path, [run.folder, other], [["a=1"], ["a=2"]])]
    swept.begin(tmp_path, [other], [["a=2"]])
    both.append(swept.begin(tmp_path, [run.folder], [["a=1"]]))
    assert logged(found, run).sweeps == tuple(sorted(one.name for one in both))


def test_nothing_of_a_logger_itself_is_recorded():
    found = config("logger=mlflow", "logger.mlflow.tracking_uri=http://someone@host")
    told = recorded(found)
    assert "someone" not in json.dumps(told)
    assert told["trainer"] == found["trainer"]


@pytest.mark.parametrize("package", ["mlflow", "sqlalchemy"])
def test_a_missing_package_names_the_extra(lab, capsys, monkeypatch, package):
    def found(name):
        return None if name == package else name

    monkeypatch.setattr("vaelab.composing.validate.find_spec", found)
    assert main(["train", "logger=mlflow"]) == 2
    said = capsys.readouterr().err
    assert said == f"vaelab: logger=mlflow: needs {package}; pip install 'vaelab[mlflow]'\n"


def test_a_password_is_refused_before_it_is_written(lab, capsys):
    words = ["logger=mlflow", "logger.mlflow.tracking_uri='http://someone:secret@host'"]
    assert main(["train", *words]) == 2
    said = capsys.readouterr().err
    assert "logger.mlflow.tracking_uri: the password" in said
    assert "secret" not in said
    assert not list(lab.rglob("config.yaml"))


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # of packages that this one does not choose
def test_mlflow_has_one_record_a_run_and_seeds_by_a_tag(tmp_path):
    pytest.importorskip("mlflow")
    from mlflow import MlflowClient

    words = ("logger=mlflow", "logger.mlflow.log_model=true")
    with pytest.raises(Interrupted):
        trained(settings(tmp_path, *words), Stop())
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    ids = [client.get_experiment_by_name("vaelab").experiment_id]
    assert [one.info.status for one in client.search_runs(ids)] == ["KILLED"]

    sweep = swept.begin(tmp_path, [identity.folder(settings(tmp_path, *words))], [["seed=1"]])
    first = trained(settings(tmp_path, *words))  # its record is begun, and tagged now
    trained(settings(tmp_path, *words, "seed=2"))
    group = logged(settings(tmp_path, *words), first).group
    found = client.search_runs(ids, f"tags.`vaelab.group` = '{group}'")
    assert {one.info.status for one in found} == {"FINISHED"}
    (mine,) = (one for one in found if one.data.params["seed"] == "1")
    assert len(found) == 2
    swept_only = client.search_runs(ids, f"tags.`vaelab.sweeps` LIKE '%{sweep.name}%'")
    assert [one.info.run_id for one in swept_only] == [mine.info.run_id]
    assert mine.info.run_name.endswith("/seed1")
    assert mine.data.params["architecture/latent_dim"] == "3"
    bounds = {
        one.step: one.value for one in client.get_metric_history(mine.info.run_id, "val/elbo")
    }
    assert bounds == {int(row["epoch"]): row["val/elbo"] for row in rows_of(first)}
    assert mine.data.metrics["test/nll"] == reported(first)
    files = {one.path for one in client.list_artifacts(mine.info.run_id, "figures")}
    assert "figures/samples.png" in files
    assert [one.path for one in client.list_artifacts(mine.info.run_id, "checkpoints")] == [
        "checkpoints/best.ckpt"
    ]
    assert not list(Path.cwd().glob("mlruns"))


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_wandb_has_a_record_of_each_run_and_the_same_id_when_resumed(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", "0123456789abcdef" * 2)
    monkeypatch.delenv("WANDB_MODE", raising=False)
    with pytest.raises(Interrupted):
        trained(settings(tmp_path, "logger=wandb"), Stop())
    first = trained(settings(tmp_path, "logger=wandb"))
    folder = identity.folder(settings(tmp_path, "logger=wandb", "seed=2"))
    sweep = swept.begin(tmp_path, [folder], [["seed=2"]])
    second = trained(settings(tmp_path, "logger=wandb", "seed=2"))  # in the same process
    files = sorted(first.folder.rglob("*.wandb"))
    assert len(files) == 2
    begun, resumed, other = (read(path) for path in [*files, *second.folder.rglob("*.wandb")])
    known = logged(settings(tmp_path), first)
    assert begun["id"] == resumed["id"] == known.id != other["id"]
    assert begun["group"] == resumed["group"] == other["group"] == known.group
    assert (resumed["tags"], other["tags"]) == ([], [f"sweep-{sweep.name}"])
    assert resumed["name"] == known.name
    assert resumed["config"]["architecture"]["latent_dim"] == 3
    assert other["config"]["seed"] == 2
    for run, one in ((first, resumed), (second, other)):
        rows = [row for row in one["rows"] if "val/elbo" in row]
        told = {row["trainer/global_step"]: row["val/elbo"] for row in rows}
        assert told.items() <= {row["epoch"]: row["val/elbo"] for row in rows_of(run)}.items()
        assert 2 in told
        assert [row["test/nll"] for row in one["rows"] if "test/nll" in row] == [reported(run)]
        assert list(run.folder.rglob("media/images/figures/samples*.png"))
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert b"0123456789abcdef" * 2 not in path.read_bytes(), path


def read(path):
    """What a .wandb file holds once wandb's own process has written its end."""
    end = time.monotonic() + 30
    while not (found := recorded_in(path))["ended"]:
        assert time.monotonic() < end, f"{path} has no end: {found}"
        time.sleep(0.1)
    return found


def recorded_in(path):
    """The file's records: a LevelDB log of protobuf, in blocks of 32 KiB."""
    from wandb.proto.wandb_internal_pb2 import Record

    data, place, part = path.read_bytes(), 7, b""
    found = {"rows": [], "config": {}, "ended": False}
    while place + 7 <= len(data):
        if (left := -place % 32768) and left < 7:
            place += left
            continue
        length, kind = int(np.frombuffer(data[place + 4 : place + 6], "<u2")[0]), data[place + 6]
        part += data[place + 7 : place + 7 + length]
        place += 7 + length
        if kind not in (1, 4):  # whole, or its last part
            continue
        record = Record.FromString(part)
        part = b""
        found["ended"] |= record.HasField("exit")
        if record.HasField("run"):
            run = record.run
            found |= {"id": run.run_id, "group": run.run_group, "name": run.display_name}
            found["tags"] = list(run.tags)
            found["config"] |= values(run.config.update)
        elif record.HasField("config"):
            found["config"] |= values(record.config.update)
        elif record.HasField("history"):
            found["rows"].append(values(record.history.item))
    return found


def values(items):
    return {item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in items}

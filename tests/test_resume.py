"""A run that is killed and started again ends bit for bit where an uninterrupted one ends."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import dying
import pytest
import torch
from small import config, make_task, splits, timeless, train

from vaelab import checkpoint
from vaelab.callback import history
from vaelab.callback.checkpointing import Checkpointing
from vaelab.checkpoint import read
from vaelab.errors import Interrupted, UserError
from vaelab.runs.run import Run
from vaelab.task import Task

RUNS = {
    "joint": ["prior=vamp", "prior.components=7"],
    "aggressive": ["trainer=aggressive", "trainer.max_inner_steps=21", "trainer.patience=1"],
    "normalised": ["optimizer=normalised_adam", "beta=cyclical", "beta.length=1", "patience=1"],
    "stages": ["learning_rate=stages", "learning_rate.growth=1", "architecture=tanh_mlp",
               "architecture.hidden=[12]"],
    "savae": ["trainer=savae", "trainer.steps=3", "prior=vamp", "prior.components=7"],
    "mapa": ["trainer=mapa", "dataset.binarise=fixed", "trainer.layout=soft",
             "trainer.post_hoc_inference=1"],
    "pretrain": ["trainer=pretrain", "trainer.epochs=1"],
    "reload_decay": ["learning_rate=reload_decay", "learning_rate.patience=1", "beta=constant",
                     "optimizer.phi.lr=0.2", "optimizer.theta.lr=0.2"],
}  # fmt: skip


@pytest.fixture(autouse=True)
def checkpoint_often(monkeypatch):
    """After every block of one update and every epoch, so that every kind of resume happens."""
    monkeypatch.setattr("vaelab.batches.Blocks.size", lambda self: 1)
    monkeypatch.setattr(Checkpointing.__init__, "__defaults__", (0.0, 0.0))


def outcome(folder):
    """Everything that must agree: weights, optimisers, strategy, selection, every metric."""
    last, best = read(folder / "checkpoints/last.ckpt"), read(folder / "checkpoints/best.ckpt")
    for content in (last, best):
        timeless(content)
    for row in last["callbacks"]["History"]["rows"]:
        row.pop("seconds")
    metrics = [line.rsplit(",", 1)[0] for line in (folder / "metrics.csv").read_text().split("\n")]
    return last, best, metrics


def assert_same(a, b):
    """Bitwise, through nested containers."""
    assert type(a) is type(b)
    if isinstance(a, torch.Tensor):
        assert torch.equal(a, b)
    elif isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            assert_same(a[key], b[key])
    elif isinstance(a, list | tuple):
        assert len(a) == len(b)
        for one, other in zip(a, b, strict=True):
            assert_same(one, other)
    else:
        assert a == b or (a != a and b != b)  # not a number: an epoch has no such metric


@pytest.fixture(scope="module")
def processes():
    """Forks of a process that has imported everything and done nothing yet."""
    # The server finds the module to preload by PYTHONPATH alone, and says nothing if it does not.
    here = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", here)
        yield started_server()


def started_server():
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["dying"])
    process = context.Process(target=int)
    process.start()
    process.join()
    return context


@pytest.fixture
def run(processes, tmp_path):
    """Runs a small training in a process; True if it was killed, False if it came to its end."""

    def in_a_process(name, overrides, moment="never", number=0, every=0.0):
        arguments = (str(tmp_path / name), overrides, moment, number, every)
        process = processes.Process(target=dying.run, args=arguments)
        process.start()
        process.join(120)
        assert process.exitcode in (0, -signal.SIGKILL)
        return process.exitcode != 0

    return in_a_process


@pytest.mark.parametrize("name", RUNS)
def test_killed_between_updates_again_and_again(tmp_path, run, name):
    assert not run("whole", RUNS[name])
    kills = sum(run("cut", RUNS[name], "before_update", n) for n in (1, 3, 2, 4, 1, 99))
    assert kills >= 3
    assert_same(outcome(tmp_path / "whole"), outcome(tmp_path / "cut"))


@pytest.mark.parametrize("number", [1, 3, 4, 6])
def test_killed_while_a_checkpoint_is_written(tmp_path, run, number):
    """The old file stays; best.ckpt and last.ckpt may then be of two moments."""
    overrides = RUNS["aggressive"]
    assert not run("whole", overrides)
    assert run("cut", overrides, "at_write", number)
    assert not run("cut", overrides)
    assert_same(outcome(tmp_path / "whole"), outcome(tmp_path / "cut"))


def test_killed_in_validation(tmp_path, run):
    assert not run("whole", [])
    assert run("cut", [], "in_validation", 1)
    assert not run("cut", [])
    assert_same(outcome(tmp_path / "whole"), outcome(tmp_path / "cut"))


def test_checkpoints_seldom_written_change_nothing(tmp_path, run):
    assert not run("often", [])
    assert run("seldom", [], "before_update", 9, every=1e6)
    assert not (tmp_path / "seldom/checkpoints/last.ckpt").exists()
    assert not run("seldom", [], every=1e6)
    assert_same(outcome(tmp_path / "often"), outcome(tmp_path / "seldom"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_between_updates_and_leaves_a_checkpoint(tmp_path, monkeypatch, number):
    settings = config()
    train(tmp_path / "whole", settings)
    update = Task.update

    def interrupting(task, step):
        if task.progress.updates == 6:
            os.kill(os.getpid(), number)
            time.sleep(0.01)  # the handler runs here, in the middle of the update
        update(task, step)

    monkeypatch.setattr(Task, "update", interrupting)
    with pytest.raises(Interrupted, match="stopped in epoch 2"):
        train(tmp_path / "cut", settings)
    assert read(tmp_path / "cut/checkpoints/last.ckpt")["progress"]["updates"] == 7
    monkeypatch.setattr(Task, "update", update)
    train(tmp_path / "cut", settings)
    assert_same(outcome(tmp_path / "whole"), outcome(tmp_path / "cut"))


def test_a_finished_run_is_not_trained_further(tmp_path):
    settings = config()
    train(tmp_path / "run", settings)
    before = (tmp_path / "run/checkpoints/last.ckpt").read_bytes()
    task = train(tmp_path / "run", settings)
    assert (tmp_path / "run/checkpoints/last.ckpt").read_bytes() == before
    assert task.progress.epoch == 3


@pytest.mark.parametrize("damage", ["truncated", "garbage", "another file"])
def test_an_unreadable_checkpoint_is_one_clear_line(tmp_path, damage):
    settings = config()
    train(tmp_path / "run", settings)
    last = tmp_path / "run/checkpoints/last.ckpt"
    if damage == "truncated":
        last.write_bytes(last.read_bytes()[:2000])
    elif damage == "garbage":
        last.write_bytes(b"not a checkpoint")
    else:
        torch.save({"format": 0}, last)
    with pytest.raises(UserError) as caught:
        train(tmp_path / "run", settings)
    assert "last.ckpt" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    train(tmp_path / "run", config())
    task = make_task(config("architecture.latent_dim=4"), splits())
    with pytest.raises(UserError, match="does not fit this run's config"):
        checkpoint.load_model(task, Run(tmp_path / "run").checkpoints / "best.ckpt")


def test_best_checkpoint_holds_the_weights_of_the_best_epoch(tmp_path):
    """Re-validating best.ckpt at its epoch's seed gives the bound that selected it."""
    settings = config("epochs=6", "optimizer.phi.lr=0.05", "optimizer.theta.lr=0.05")
    task = train(tmp_path / "run", settings)
    selected = read(tmp_path / "run/checkpoints/last.ckpt")["callbacks"]["Selection"]
    epoch = checkpoint.load_model(task, tmp_path / "run/checkpoints/best.ckpt")
    assert epoch == selected["best_epoch"]
    task.progress.epoch = epoch - 1
    task.eval()
    with torch.no_grad():
        task.validation_step()
    assert task.row["val/bound"] == selected["best"]


def test_stopped_on_the_last_update_of_an_epoch_it_goes_on_with_validation(tmp_path, monkeypatch):
    """The checkpoint then stands behind all updates and before validation."""
    train(tmp_path / "whole", config())
    original = Task.update

    def stopping(self, step):
        original(self, step)
        if self.progress.updates == 2 * self.steps_per_epoch:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Task, "update", stopping)
    with pytest.raises(Interrupted):
        train(tmp_path / "cut", config())
    monkeypatch.undo()
    last = read(tmp_path / "cut/checkpoints/last.ckpt")["progress"]
    assert (last["epoch"], last["step"]) == (1, 4)
    train(tmp_path / "cut", config())
    assert_same(outcome(tmp_path / "whole"), outcome(tmp_path / "cut"))


def test_rows_from_before_a_metric_existed_keep_their_columns(tmp_path):
    """A run begun by an older vaelab goes on; so does its strategy's state."""
    words = ("trainer=aggressive", "trainer.max_inner_steps=4")
    train(tmp_path, config(*words, "epochs=2"))
    path = tmp_path / "checkpoints/last.ckpt"
    content = checkpoint.read(path)
    for row in content["callbacks"]["History"]["rows"]:
        del row["val/mi_ceiling"], row["encoder_steps"]
    strategy = content["model"]["inference._extra_state"]
    content["model"]["inference._extra_state"] = {
        name: strategy[name] for name in ("on", "reference_mi", "misses")
    }
    del content["learning_rate"]
    content["callbacks"]["Selection"]["reason"] = None
    checkpoint.write(content, path)
    train(tmp_path, config(*words, "epochs=3"))
    rows = history.read(tmp_path / "metrics.csv")
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert "val/mi_ceiling" not in rows[0]
    assert rows[2]["val/mi_ceiling"] > 0
    assert all(0 <= row["val/au"] <= 3 for row in rows)
    assert (tmp_path / "metrics.csv").read_text().splitlines()[0].endswith(",seconds")

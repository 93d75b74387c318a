"""Callbacks in a real, small training: files, lines and warnings."""

import csv
import io
import logging
import re
from types import SimpleNamespace

import pytest
from rich.console import Console
from small import config, make_task, splits, train

from vaelab import assemble, fit
from vaelab.build import build
from vaelab.callback import history
from vaelab.callback.progress import LiveLine
from vaelab.callback.selection import Selection
from vaelab.callback.warnings import CollapseWarning, SlowdownWarning
from vaelab.composing.spelling import duration
from vaelab.runs.run import Run
from vaelab.task import Task


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return folder, train(folder, config("epochs=4"))


def test_metrics_csv_has_a_row_an_epoch(trained):
    folder, task = trained
    rows = list(csv.DictReader((folder / "metrics.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert float(rows[-1]["val/bound"]) == task.row["val/bound"]
    assert {"beta", "train/elbo", "val/elbo", "val/kl", "val/mi", "val/au"} <= set(rows[0])
    assert [float(row["beta"]) for row in rows] == [0.1, 0.2, 0.3, 0.4]


def test_metrics_csv_reads_back(trained):
    folder, task = trained
    assert history.read(folder / "metrics.csv")[-1]["val/kl"] == task.row["val/kl"]


def line_of(folder, *overrides, terminal=False):
    settings = config(*overrides)
    parts = build(settings)
    task = assemble.make_task(settings, parts, splits())
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=200)
    fit.train(settings, parts, task, Run(folder), console)
    return out.getvalue()


@pytest.mark.parametrize("terminal", [False, True])
def test_the_line_says_where_training_is(tmp_path, terminal):
    text = line_of(tmp_path, "epochs=2", terminal=terminal)
    assert "epoch 2/2" in text
    for word in ("beta 0.20", "ELBO", "reconstruction", "KL", "active", "/3", "examples/s", "done"):
        assert word in text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0s"), (59, "59s"), (190, "3m10s"), (7500, "2h05m")]
)
def test_duration(seconds, text):
    assert duration(seconds) == text


def test_collapse_is_said_in_words_once_and_taken_back(tmp_path, caplog, monkeypatch):
    step = Task.validation_step

    def collapsing(task, *arguments):
        step(task, *arguments)
        if 1 <= task.progress.epoch <= 5:
            task.row |= {"val/kl": 0.02, "val/au": 0.0}
        else:
            task.row |= {"val/kl": 7.0, "val/au": 2.0}

    monkeypatch.setattr(Task, "validation_step", collapsing)
    with caplog.at_level(logging.WARNING):
        train(tmp_path, config("epochs=8"))
    messages = [r.getMessage() for r in caplog.records if r.name == CollapseWarning.__module__]
    assert len(messages) == 2
    assert "after epoch 4 KL is 0.020 nats and 0 of 3 units are active" in messages[0]
    assert "in use again" in messages[1]


def test_a_step_that_becomes_far_slower_is_said_in_words_once(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr("vaelab.progress.Clock.slowdown", lambda self: 30.0)
    monkeypatch.setattr("vaelab.batches.Blocks.size", lambda self: 1)
    with caplog.at_level(logging.WARNING):
        train(tmp_path, config("epochs=2"))
    messages = [r.getMessage() for r in caplog.records if r.name == SlowdownWarning.__module__]
    assert len(messages) == 1
    assert "30 times" in messages[0]
    assert "threads=1" in messages[0]


def test_a_diverged_run_stops_and_says_so(tmp_path):
    task = train(tmp_path, config("epochs=5", "optimizer=sgd", "optimizer.phi.lr=1e30",
                                  "optimizer.theta.lr=1e30"))  # fmt: skip
    assert task.progress.epoch < 5
    assert (tmp_path / "checkpoints/best.ckpt").exists()


def test_the_live_line_shows_a_bound_that_is_not_the_elbo(tmp_path):
    (tmp_path / "elbo").mkdir()
    assert "bound" not in line_of(tmp_path / "elbo", "epochs=1")
    text = line_of(tmp_path, "epochs=1", "bound=iwae", "bound.K=8")
    assert re.search(r"bound -\d+\.\d\d \(valid -\d+\.\d\d\) · ELBO -\d+", text)


def test_metrics_csv_has_both_of_piwae_s_bounds(tmp_path):
    train(tmp_path, config("epochs=2", "bound=piwae", "bound.M=2", "bound.K=4"))
    for row in history.read(tmp_path / "metrics.csv"):
        for side in ("train", "val"):  # on the same samples, by Jensen
            elbo, phi, theta = (row[f"{side}/{name}"] for name in ("elbo", "bound_phi", "bound"))
            assert elbo < phi < theta


def test_other_bounds_log_one_value(tmp_path):
    train(tmp_path, config("epochs=1", "bound=miwae", "bound.M=2", "bound.K=4"))
    (row,) = history.read(tmp_path / "metrics.csv")
    assert "train/bound_phi" not in row
    assert row["val/bound"] > row["val/elbo"]


def test_the_live_line_shows_the_bound_of_the_row_it_shows():
    words = ("bound=iwae_then_elbo", "bound.first.K=4", "select=last", "patience=null")
    task = make_task(config(*words, "epochs=2"))
    line = LiveLine(Console(file=io.StringIO()), Selection(2, None, 0), 3)
    names = ("bound", "elbo", "reconstruction", "kl", "mi", "mi_ceiling", "au")
    task.row = {f"{side}/{name}": -1.5 for side in ("train", "val") for name in names}
    trainer = SimpleNamespace(is_global_zero=True, should_stop=False)
    line.on_validation_end(trainer, task)
    task.progress.epoch = 1  # the ELBO's, in which the row of IWAE's epoch is still shown
    assert "bound -1.50 (valid -1.50)" in line.line(task)
    line.on_validation_end(trainer, task)
    assert "bound" not in line.line(task)


def test_a_long_epoch_says_where_it_is_without_a_terminal(monkeypatch):
    task = make_task(config("epochs=2"))
    written = io.StringIO()
    line = LiveLine(Console(file=written, width=500), Selection(2, None, 0), 3)
    now = [100.0]
    monkeypatch.setattr("vaelab.callback.progress.time.monotonic", lambda: now[0])
    line.started = line.shown = now[0]
    trainer = SimpleNamespace(is_global_zero=True)
    task.progress.seconds, task.progress.updates, task.progress.step = 30.0, 3, 3
    for passed in (30, 29, 2, 3, 60):  # a line a minute
        now[0] += passed
        line.on_train_batch_end(trainer, task)
    lines = written.getvalue().splitlines()
    assert len(lines) == 2
    assert all("epoch 1/2, batch 3/4" in one for one in lines)
    task.progress.seconds = 0.3
    assert "batch" not in line.line(task)


def test_a_model_without_a_latent_shows_its_likelihood_alone():
    task = make_task(config("epochs=2"))
    line = LiveLine(Console(file=io.StringIO()), Selection(2, None, 0), 0)
    names = ("bound", "elbo", "reconstruction", "kl", "mi", "mi_ceiling", "au")
    line.last_row = {f"{side}/{name}": -1.5 for side in ("train", "val") for name in names}
    shown = line.line(task)
    assert "log p(x) -1.50 (valid -1.50)" in shown
    assert not any(word in shown for word in ("ELBO", "KL", "MI", "active", "reconstruction"))

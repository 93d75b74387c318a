"""Learning rates by epoch in a real training: applied, logged, resumed, and told of in results."""

import csv

import pytest
from rich.console import Console
from small import config, make_task, train

from vaelab import checkpoint, fit
from vaelab.callback.checkpointing import Checkpointing
from vaelab.composing.identity import config_hash
from vaelab.errors import Interrupted
from vaelab.runs.run import Run
from vaelab.task import Task

STAGES = ["learning_rate=stages", "learning_rate.growth=2", "learning_rate.decade=1",
          "optimizer.phi.lr=0.02", "optimizer.theta.lr=0.01"]  # fmt: skip
# Growth 2: epochs 1, 2 and 3, 4 to 7; a tenth in each stage.
FACTORS = [1, 0.1, 0.1, 0.01, 0.01]


@pytest.fixture
def seen(monkeypatch):
    """(epoch, rate of phi, rate of theta) of every update."""
    found, update = [], Task.update

    def watching(task, step):
        rates = [group["lr"] for one in task.steppers.values() for group in one.param_groups]
        found.append((task.progress.epoch, *rates))
        update(task, step)

    monkeypatch.setattr(Task, "update", watching)
    return found


def expected(updates):
    return [(e, 0.02 * FACTORS[e], 0.01 * FACTORS[e]) for e in range(5) for _ in range(updates)]


def test_every_update_has_the_rate_of_its_epoch(tmp_path, seen):
    train(tmp_path, config("epochs=5", *STAGES))
    assert seen == [pytest.approx(one) for one in expected(4)]


def test_rates_are_a_column_where_they_change_and_only_there(tmp_path):
    train(tmp_path / "stages", config("epochs=5", *STAGES))
    rows = list(csv.DictReader((tmp_path / "stages/metrics.csv").read_text().splitlines()))
    assert [float(row["lr/phi"]) for row in rows] == pytest.approx([0.02 * f for f in FACTORS])
    assert [float(row["lr/theta"]) for row in rows] == pytest.approx([0.01 * f for f in FACTORS])
    train(tmp_path / "constant", config("epochs=1"))
    assert "lr" not in (tmp_path / "constant/metrics.csv").read_text()


@pytest.mark.parametrize("stop", [5, 6, 11, 12, 13])
def test_a_resumed_run_has_the_rate_of_its_epoch_at_once(tmp_path, seen, monkeypatch, stop):
    settings = config("epochs=5", *STAGES)
    monkeypatch.setattr("vaelab.batches.Blocks.size", lambda self: 1)
    monkeypatch.setattr(Checkpointing.__init__, "__defaults__", (0.0, 0.0))

    def interrupting(task):
        if task.progress.updates == stop:
            raise Interrupted("enough")

    update = Task.update
    with monkeypatch.context() as patch:
        patch.setattr(Task, "update", lambda task, step: (update(task, step), interrupting(task)))
        with pytest.raises(Interrupted):
            train(tmp_path, settings)
    done = checkpoint.read(tmp_path / "checkpoints/last.ckpt")["progress"]["updates"]
    del seen[done:]
    train(tmp_path, settings)
    assert seen == [pytest.approx(one) for one in expected(4)]


def fitted(folder, *overrides):
    run = Run(folder)
    folder.mkdir(parents=True, exist_ok=True)
    fit.fit(config(*overrides), run, Console(quiet=True))
    return run


def test_a_schedule_that_is_cut_short_marks_the_results(tmp_path):
    run = fitted(tmp_path, "epochs=2", "learning_rate=stages", "learning_rate.stages=2")
    assert run.read()["labels"] == ["schedule cut short: 2 of 4 epochs"]


def test_a_schedule_that_is_done_marks_nothing(tmp_path):
    run = fitted(tmp_path, "epochs=1", "learning_rate=stages", "learning_rate.stages=1")
    assert run.read()["labels"] == []


@pytest.mark.parametrize("name", ["learning_rate", "select"])
def test_a_run_from_before_the_setting_existed_is_found_again(name):
    now = config()
    before = {key: value for key, value in now.items() if key != name}
    assert config_hash(now) == config_hash(before)


@pytest.mark.parametrize("other", ["select=last", "learning_rate=stages"])
def test_another_value_is_another_run(other):
    assert config_hash(config(other)) != config_hash(config())


def test_the_rate_multiplies_whatever_optimizer_there_is():
    task = make_task(config(*STAGES, "optimizer=sgd", "optimizer.phi.lr=1", "optimizer.theta.lr=3"))
    task.rates.set(3)
    rates = [one.param_groups[0]["lr"] for one in task.steppers.values()]
    assert rates == pytest.approx([0.01, 0.03])

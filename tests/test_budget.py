"""A budget of decoder passes in real trainings: where it ends, and what the rates make of it."""

import csv

import pytest
from small import config, make_task, train
from test_stages_in_training import seen  # noqa: F401 - a fixture

from vaelab import checkpoint
from vaelab.callback.checkpointing import Checkpointing
from vaelab.composing.identity import config_hash
from vaelab.errors import Interrupted, UserError
from vaelab.learning_rate.cosine import Cosine
from vaelab.learning_rate.halving import Halving
from vaelab.task import Task

# An epoch of `small.splits` is 100 examples: the budget is spent in the third.
BUDGET = ["epochs=9", "decoder_passes=250"]
COSINE = ["learning_rate=cosine", "optimizer.theta.lr=0.01", "optimizer.phi.lr=0.02"]


def last(folder):
    return checkpoint.read(folder / "checkpoints/last.ckpt")


def test_training_ends_with_the_epoch_in_which_the_budget_is_spent(tmp_path):
    task = train(tmp_path, config(*BUDGET))
    content = last(tmp_path)
    assert content["progress"]["epoch"] == task.progress.epoch == 3
    assert content["progress"]["decoder_passes"] == task.progress.spent == 300
    assert content["callbacks"]["Selection"]["reason"] == "300 of 250 decoder passes are made"


def test_a_budget_that_is_spent_exactly_is_spent(tmp_path):
    train(tmp_path, config("epochs=9", "decoder_passes=200"))
    assert last(tmp_path)["progress"]["epoch"] == 2


def test_a_budget_that_is_not_spent_leaves_the_epochs_to_end(tmp_path):
    train(tmp_path, config("epochs=2", "decoder_passes=1000"))
    content = last(tmp_path)
    assert content["progress"]["epoch"] == 2
    assert content["callbacks"]["Selection"]["reason"] == "all 2 epochs done"


@pytest.mark.parametrize(
    ("settings", "epochs"),
    [
        (["bound=iwae", "bound.K=5"], 1),
        (["bound.num_samples=2"], 2),
        # Each of 4 batches takes 3 encoder steps and one of the decoder.
        (["trainer=aggressive", "trainer.max_inner_steps=3", "trainer.start=-1e9"], 1),
    ],
)  # fmt: skip
def test_every_sample_and_every_inner_step_counts(tmp_path, settings, epochs):
    train(tmp_path, config(*BUDGET, *settings))
    assert last(tmp_path)["progress"]["epoch"] == epochs
    assert last(tmp_path)["progress"]["spent"] >= 250


def test_rates_follow_what_is_spent_at_each_epoch_s_beginning(tmp_path, seen):  # noqa: F811
    train(tmp_path, config(*BUDGET, *COSINE))
    rate = Cosine(epochs=1, least=0.0)
    expected = [(e, 0.02 * f, 0.01 * f) for e in range(3)
                for f in [rate.of_budget(e * 100 / 250)] * 4]  # fmt: skip
    assert seen == [pytest.approx(one) for one in expected]
    rows = list(csv.DictReader((tmp_path / "metrics.csv").read_text().splitlines()))
    assert [float(row["lr/theta"]) for row in rows] == pytest.approx(
        [0.01, 0.01 * rate.of_budget(0.4), 0.01 * rate.of_budget(0.8)]
    )


def test_without_a_budget_they_follow_the_epochs(tmp_path, seen):  # noqa: F811
    train(tmp_path, config("epochs=4", *COSINE))
    rate = Cosine(epochs=4, least=0.0)
    assert [one[2] for one in seen] == pytest.approx(
        [0.01 * rate.factor(epoch) for epoch in range(4) for _ in range(4)]
    )


@pytest.mark.parametrize("stop", [6, 8])
def test_a_resumed_run_has_the_same_rates_and_the_same_end(tmp_path, seen, monkeypatch, stop):  # noqa: F811
    settings = config(*BUDGET, *COSINE)
    train(tmp_path / "whole", settings)
    whole, expected = list(seen), last(tmp_path / "whole")
    seen.clear()
    monkeypatch.setattr("vaelab.batches.Blocks.size", lambda self: 1)
    monkeypatch.setattr(Checkpointing.__init__, "__defaults__", (0.0, 0.0))

    def interrupting(task):
        if task.progress.updates == stop:
            raise Interrupted("enough")

    update = Task.update
    with monkeypatch.context() as patch:
        patch.setattr(Task, "update", lambda task, step: (update(task, step), interrupting(task)))
        with pytest.raises(Interrupted):
            train(tmp_path / "cut", settings)
    del seen[last(tmp_path / "cut")["progress"]["updates"] :]
    train(tmp_path / "cut", settings)
    assert seen == whole
    found = last(tmp_path / "cut")
    for name in ("epoch", "updates", "decoder_passes", "spent"):
        assert found["progress"][name] == expected["progress"][name]
    assert found["callbacks"]["Selection"] == expected["callbacks"]["Selection"]


def test_a_schedule_by_validation_does_not_ask_for_the_budget():
    task = make_task(config("learning_rate=halving", "optimizer.theta.lr=0.01"))
    task.rates.schedule.state["halvings"] = 2
    task.rates.set(3, 0.9)
    assert isinstance(task.rates.schedule, Halving)
    assert task.steppers["theta"].param_groups[0]["lr"] == pytest.approx(0.0025)


def test_a_run_from_before_the_setting_is_found_again_and_a_budget_makes_another():
    now = config()
    before = {key: value for key, value in now.items() if key != "decoder_passes"}
    assert config_hash(now) == config_hash(before)
    assert config_hash(now) != config_hash(config("decoder_passes=250"))


def test_no_budget_is_refused_that_is_none():
    with pytest.raises(UserError, match="decoder_passes=0: must be 1 or more"):
        config("decoder_passes=0")

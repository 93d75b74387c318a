"""Pre-training: an autoencoder at beta = 0, then a new decoder under the run's schedule."""

import itertools

import pytest
import torch
from small import config, make_task, train

from vaelab import checkpoint
from vaelab.errors import UserError
from vaelab.task import Task
from vaelab.trainer.pretrain import Pretrain

RUN = ("trainer=pretrain", "trainer.epochs=2", "beta=linear", "beta.start=0.2", "beta.warmup=2")


def test_schedule_begins_after_the_head_start_and_the_decoder_begins_anew(tmp_path, monkeypatch):
    initial = [p.detach().clone() for p in make_task(config(*RUN)).groups["theta"]]
    restarted = []
    original = Task.restart

    def restart(self, *groups):
        phi = [p.detach().clone() for p in self.groups["phi"]]
        original(self, *groups)
        theta = [p.detach().clone() for p in self.groups["theta"]]
        states = [optimizer.state_dict()["state"] for optimizer in self.steppers.values()]
        restarted.append((self.progress.epoch, groups, phi, theta, states))

    monkeypatch.setattr(Task, "restart", restart)
    task = train(tmp_path, config(*RUN, "epochs=5"))
    ((epoch, groups, phi, theta, states),) = restarted
    assert (epoch, groups) == (2, ("theta",))
    assert all(itertools.starmap(torch.equal, zip(initial, theta, strict=True)))
    assert states == [{}, {}]
    first = make_task(config(*RUN)).groups["phi"]
    assert not any(itertools.starmap(torch.equal, zip(first, phi, strict=True)))
    rows = [line.split(",") for line in (tmp_path / "metrics.csv").read_text().split()]
    column = rows[0].index("beta")
    # by epoch: 0.2 + 0.8 * 1/2 in the first epoch of the schedule, its end from the second on
    assert [float(row[column]) for row in rows[1:]] == pytest.approx([0, 0, 0.6, 1, 1])
    assert task.inference.state == {"epochs": 5, "restart": False}


def test_an_epoch_of_the_autoencoder_is_never_the_runs_model(tmp_path):
    train(tmp_path, config(*RUN, "epochs=3"))
    best = checkpoint.read(tmp_path / "checkpoints/best.ckpt")
    assert best["progress"]["epoch"] == 3


def test_refuses_no_epochs():
    with pytest.raises(UserError, match=r"trainer.epochs=0: must be at least 1"):
        Pretrain(0)

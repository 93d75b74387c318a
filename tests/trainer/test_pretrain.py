"""Pre-training: an autoencoder at beta = 0, then a new decoder under the run's schedule."""

import itertools

import pytest
import torch
from small import config, make_task, train

from vaelab import checkpoint
from vaelab.build import build
from vaelab.composing.compose import Composer
from vaelab.composing.validate import validate
from vaelab.errors import UserError
from vaelab.evaluation.splits import in_force
from vaelab.sweeps.plan import container
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


def test_the_learning_rate_looks_at_no_epoch_of_the_autoencoder(tmp_path):
    """Its bound at beta = 1 falls: decays there would bring the first epoch's encoder back."""
    decay = ["learning_rate=reload_decay", "learning_rate.patience=1", "learning_rate.start=2"]
    words = ("trainer=pretrain", "trainer.epochs=4", "beta=constant", *decay, "epochs=6")
    task = train(tmp_path, config(*words))
    rows = [line.split(",") for line in (tmp_path / "metrics.csv").read_text().split()]
    column = rows[0].index("lr/phi")
    assert len({row[column] for row in rows[1:]}) == 1
    assert task.rates.schedule.state["decays"] == 0  # epochs 5 and 6 are its 0 and 1


def test_a_new_decoder_has_new_running_statistics():
    words = ["architecture=resnet_pixelcnn", "architecture.latent_dim=2", "lightning=cpu",
             "architecture.encoder_channels=4", "architecture.width=8", "batch_size=16",
             "architecture.channels=4",
             "architecture.latent_maps=1", "architecture.kernels=[3,3,3]",
             "trainer=pretrain", "trainer.epochs=1"]  # fmt: skip
    task = make_task(validate(container(Composer().cells(words)[0])))
    before = {n: b.clone() for n, b in task.vae.decoder.named_buffers()}
    assert any(name.endswith("running_mean") for name in before)
    task.update(0)
    moved = dict(task.vae.decoder.named_buffers())
    assert not all(torch.equal(before[n], moved[n]) for n in before)
    encoder = {n: b.clone() for n, b in task.vae.encoder.named_buffers()}
    task.restart("theta")
    assert all(torch.equal(before[n], b) for n, b in task.vae.decoder.named_buffers())
    assert all(torch.equal(encoder[n], b) for n, b in task.vae.encoder.named_buffers())


def test_refused_where_nothing_is_left_for_the_model():
    with pytest.raises(UserError, match=r"^epochs=3 with trainer=pretrain and trainer.epochs=3"):
        build(config("trainer=pretrain", "trainer.epochs=3", "epochs=3"))


def test_evaluations_of_an_epoch_have_its_beta():
    task = make_task(config(*RUN, "epochs=5"))
    assert [in_force(task, epoch)[1] for epoch in (1, 2, 3, 4)] == pytest.approx([0, 0, 0.6, 1])

"""The joint strategy: one descent on both groups; its posterior is the encoder's."""

import torch
from small import config, make_task

from vaelab.trainer.joint import Joint


def test_one_descent_on_both_groups():
    calls = []

    class Learner:
        def descend(self, batch, *groups):
            calls.append((batch, groups))
            return "descent"

    assert Joint().update(Learner(), "batch") == "descent"
    assert calls == [("batch", ("phi", "theta"))]


def test_posterior_is_the_encoders():
    task = make_task(config())
    batch = task.batch_at(0)
    q = task.inference.posterior(task, batch)
    assert torch.equal(q.first.mean, task.vae.encoder(batch.x).first.mean)

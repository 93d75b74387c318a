"""Draws of a model's gradient against one backward pass each, and what they leave behind."""

import pytest
import torch
from small import config, make_task, splits
from torch import nn
from torch.testing import assert_close

from vaelab.architecture.base import Encoder
from vaelab.batch import Batch
from vaelab.dataset.base import Binarised, Split
from vaelab.evaluation.gradients import draw_gradients, fixed_batch
from vaelab.evaluation.moments import GradientDraws
from vaelab.model import VAE
from vaelab.posterior import GaussianPosterior
from vaelab.seeding import seed_from

CPU = torch.device("cpu")
TWO_LEVELS = ("architecture=hvae", "architecture.latent_dims=[3,3]", "architecture.hidden=[8]")


class Rows(GradientDraws):
    """Keeps the draws too."""

    def __init__(self, draws):
        super().__init__(draws)
        self.rows = []

    def add(self, rows):
        super().add(rows)
        self.rows.append(rows)


def drawn(task, batch, bound, beta, count=11):
    found = {"phi": Rows(count), "theta": Rows(count)}

    def posterior(batch):
        return task.inference.posterior(task, batch)

    draw_gradients(task.vae, posterior, batch, bound, beta, found, 7, "test")
    return {name: torch.cat(one.rows) for name, one in found.items()}


@pytest.mark.parametrize(
    "overrides",
    [
        ("bound=iwae", "bound.K=3"),
        ("bound=dreg", "bound.M=2", "bound.K=3"),
        ("bound=piwae", "bound.M=2", "bound.K=3", "prior=vamp", "prior.components=5"),
        ("bound=rws", "bound.K=3"),
    ],
    ids=lambda texts: texts[0],
)
def test_each_draw_is_what_training_would_descend(overrides):
    task = make_task(config("batch_size=10", "clip_norm=null", *overrides), splits())
    batch = Batch(task.splits.train.x[:10].round(), torch.arange(10))
    task.beta = 0.6
    found = drawn(task, batch, task.bound, 0.6)
    for number in (0, 9):  # in the first lot of draws, and in the second
        torch.manual_seed(seed_from(7, "test", number))
        for group in ("phi", "theta"):
            for parameter in task.groups[group]:
                parameter.grad = None
        with torch.no_grad():
            before = [p.clone() for p in task.everything]
        task.backward_part(batch, 1.0, ("phi", "theta"))
        for group, parameters in task.groups.items():
            flat = torch.cat([p.grad.flatten() for p in parameters])
            assert_close(found[group][number], -flat)
        assert_close(list(task.everything), before)
    assert not torch.allclose(found["phi"][0], found["phi"][1])


def test_the_batch_is_read_once_and_by_the_seed():
    grey = Split(torch.rand(50, 1, 4, 4, generator=torch.Generator().manual_seed(0)), Binarised())
    one, again = fixed_batch(grey, 8, 3, CPU), fixed_batch(grey, 8, 3, CPU)
    assert_close(one.x, again.x)
    assert set(one.x.unique().tolist()) == {0.0, 1.0}
    assert len(set(one.index.tolist())) == 8
    assert not torch.equal(one.index, fixed_batch(grey, 8, 4, CPU).index)
    assert len(fixed_batch(grey, 80, 3, CPU).x) == 50  # all there are


class Noisy(Encoder):
    """Has all that changes in training mode."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(4)
        self.drop = nn.Dropout(0.5)
        self.mean = nn.Linear(4, 3)

    def forward(self, x):
        mean = self.mean(self.drop(self.norm(x.flatten(1))))
        return GaussianPosterior(mean, torch.zeros_like(mean))


def test_training_mode_is_measured_and_nothing_is_changed():
    task = make_task(config("architecture.latent_dim=3"))
    encoder = Noisy()
    vae = VAE(encoder, task.vae.decoder, task.vae.prior)
    vae.eval()
    state = {name: one.clone() for name, one in vae.state_dict().items()}
    seen = []

    def posterior(batch):
        seen.append(encoder.training)
        return encoder(batch.x[:, :, :2, :2])

    batch = Batch(torch.rand(6, 1, 8, 8).round(), torch.arange(6))
    before = torch.get_rng_state()
    found = {"phi": GradientDraws(5), "theta": GradientDraws(5)}
    draw_gradients(vae, posterior, batch, task.bound, 1.0, found, 1)
    assert seen == [True] * 5
    assert not any(module.training for module in vae.modules())
    assert_close(dict(vae.state_dict()), state)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(parameter.grad is None for parameter in vae.parameters())

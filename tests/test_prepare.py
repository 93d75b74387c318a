"""Initial values from the training data: set once, by the seed, and kept in checkpoints."""

import torch
from rich.console import Console
from small import config
from torch.testing import assert_close

from vaelab import assemble, fit
from vaelab.build import build
from vaelab.runs.run import Run

TANH = ["architecture=tanh_mlp", "architecture.latent_dim=3", "architecture.hidden=[12]",
        "epochs=1"]  # fmt: skip
STILL = ["optimizer=sgd", "optimizer.phi.lr=1e-30", "optimizer.theta.lr=1e-30"]


def prepared(*overrides):
    settings = config(*TANH, *overrides)
    parts = build(settings)
    splits = assemble.load_splits(settings, parts)
    assemble.prepare(settings, parts, splits)
    return parts, splits


def test_a_run_begins_with_the_logits_of_its_training_data(tmp_path):
    run = Run(tmp_path)
    settings = config(*TANH, *STILL)
    fit.fit(settings, run, Console(quiet=True))
    # Which prepares nothing again.
    task, parts, _ = assemble.load_task(settings, run.checkpoints / "best.ckpt")
    train = parts.dataset.load().train
    mean = train.x.double().mean(0) / train.read.divisor
    expected = torch.logit(mean.clamp(0.001, 0.999)).flatten().float()
    assert_close(task.vae.decoder.heads[0].bias.detach(), expected)
    assert float(expected.std()) > 1


def test_what_a_limited_run_trains_on_is_what_counts():
    whole, _ = prepared()
    some, splits = prepared("max_examples=50")
    assert len(splits.train) == 50
    biases = [parts.architecture.decoder.heads[0].bias for parts in (whole, some)]
    assert not torch.allclose(*biases, atol=0.1)


def test_a_prior_takes_the_same_examples_whatever_the_architecture():
    vamp = ["prior=vamp_data", "prior.components=7"]
    tanh, _ = prepared(*vamp)
    settings = config(*vamp)
    gated = build(settings)
    assemble.prepare(settings, gated, assemble.load_splits(settings, gated))
    assert torch.equal(tanh.prior.u, gated.prior.u)

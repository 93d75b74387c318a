"""The committed rate: a floor under KL(q || p) that is reached, and never passed."""

import pytest
import torch
from small import config, make_task

from vaelab.architecture.committed_rate import CommittedRate
from vaelab.build import build
from vaelab.composing.compose import Composer
from vaelab.composing.validate import validate
from vaelab.distribution import DiagonalGaussian
from vaelab.errors import UserError
from vaelab.sweeps.plan import container


@pytest.mark.parametrize("rate", [1e-3, 0.5, 8.0, 200.0])
@pytest.mark.parametrize("dim", [1, 32])
def test_the_limit_is_where_the_divergence_is_the_rate(rate, dim):
    limit = CommittedRate(rate).log_var(dim)
    assert limit < 0
    at = DiagonalGaussian(torch.zeros(dim).double(), torch.full((dim,), limit).double())
    assert at.kl_to_standard().sum().item() == pytest.approx(rate, rel=1e-6)


def test_no_posterior_of_a_run_falls_below_the_rate():
    task = make_task(config("committed_rate=2.5"))
    with torch.no_grad():  # towards the prior: mean 0 and a log-variance as large as it may be
        for name, parameter in task.vae.encoder.named_parameters():
            if ".mean." in name:
                parameter.zero_()
            if name.endswith("log_var.bias"):
                parameter.fill_(2.0)
            elif name.endswith("log_var.weight"):
                parameter.zero_()
    q = task.inference.posterior(task, task.batch_at(0)).first
    kl = q.kl_to_standard().sum(-1).detach()
    assert bool((kl >= 2.5 - 1e-5).all())
    assert float(kl.max()) < 3.0  # near the limit: softplus passes smoothly
    task.descend(task.batch_at(0), "phi")  # the gradient reaches the encoder


def test_without_it_the_same_encoder_reaches_the_prior():
    task = make_task(config())
    with torch.no_grad():
        for name, parameter in task.vae.encoder.named_parameters():
            if name.startswith(("mean.", "log_var.")):
                parameter.zero_()
    q = task.inference.posterior(task, task.batch_at(0)).first.detach()
    assert float(q.kl_to_standard().abs().max()) == 0


@pytest.mark.parametrize("other", ["prior=vamp", "architecture=hvae"])
def test_refused_where_no_closed_form_bounds_it(other):
    settings = validate(container(Composer().cells(["committed_rate=2.5", other])[0]))
    with pytest.raises(UserError, match=r"committed_rate=2\.5 cannot be used with " + other):
        build(settings)


@pytest.mark.parametrize("value", ["0", "-1"])
def test_refuses_no_rate(value):
    with pytest.raises(UserError, match=rf"committed_rate={value}\.?0?: must be more than 0 nats"):
        config(f"committed_rate={value}")

"""The mixture of Gaussians with learned components."""

import math

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from tests.laws.components import build
from vaelab.errors import UserError
from vaelab.prior.standard import Standard

ENCODER = nn.Identity()  # neither prior looks at it


def mog(latent_dim=3, **settings):
    return build("prior", "mog", {"latent_dim": latent_dim}, **settings).double()


def test_one_standard_component_is_the_standard_prior():
    prior = mog(components=1, spread=0.0)
    z = 3 * torch.randn(4, 5, 3, dtype=torch.float64)
    standard = Standard(3).double()(ENCODER).log_prob(z)
    assert_close(prior(ENCODER).log_prob(z), standard, rtol=0, atol=1e-12)


def test_means_start_spread_and_log_variances_as_set():
    torch.manual_seed(0)
    prior = mog(components=2000, spread=2.5, log_var=-1.5)
    means = prior.mean.detach()
    count = means.numel()
    assert float(means.mean()) == pytest.approx(0, abs=4.5 * 2.5 / math.sqrt(count))
    assert float(means.std()) == pytest.approx(2.5, rel=4.5 / math.sqrt(2 * count))
    assert bool((prior(ENCODER).log_var == -1.5).all())


@pytest.mark.parametrize("clamp", [True, False])
def test_log_variances_are_kept_within_the_posteriors_range_if_asked(clamp):
    prior = mog(components=4, clamp=clamp)
    with torch.no_grad():
        prior.log_var.copy_(torch.tensor([-9.0, -5.9, 1.9, 7.0]).double()[:, None].expand(4, 3))
    expected = [-6.0, -5.9, 1.9, 2.0] if clamp else [-9.0, -5.9, 1.9, 7.0]
    assert prior(ENCODER).log_var[:, 0].tolist() == pytest.approx(expected)


def test_it_has_a_mean_and_a_log_variance_for_each_component():
    assert sum(p.numel() for p in mog(latent_dim=40).parameters()) == 2 * 500 * 40


def test_no_components_are_refused():
    with pytest.raises(UserError, match=r"prior\.components=0: must be at least 1"):
        mog(components=0)

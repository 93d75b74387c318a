"""Gaussian observations."""

import pytest
import torch
from torch.distributions import Normal
from torch.testing import assert_close

from tests.laws.components import assert_zero_mean, build
from vaelab.errors import UserError


@pytest.mark.parametrize("scale", [0.3, 1.0, 2.0])
def test_a_fixed_scale_is_torchs_normal(scale):
    mean = torch.randn(3, 2, 1, 4, 5, dtype=torch.float64)
    x = torch.randn(2, 4, 5, dtype=torch.float64)
    built = build("likelihood", "gaussian", scale=scale)
    assert built.num_params == 1
    expected = Normal(mean[:, :, 0], scale).log_prob(x).sum((-1, -2))
    assert_close(built(mean).log_prob(x), expected, rtol=0, atol=1e-12)


def test_a_predicted_scale_is_torchs_normal_with_log_scales_kept_within_seven():
    params = torch.randn(3, 2, 2, 4, dtype=torch.float64)
    params[0, 0, 1] = torch.tensor([-20.0, -7.0, 7.0, 20.0])
    x = torch.randn(2, 4, dtype=torch.float64)
    built = build("likelihood", "gaussian", scale=None)
    assert built.num_params == 2
    scale = torch.exp(params[:, :, 1].clamp(-7, 7))
    expected = Normal(params[:, :, 0], scale).log_prob(x).sum(-1)
    assert_close(built(params).log_prob(x), expected, rtol=1e-12, atol=1e-10)


@pytest.mark.parametrize("scale", [0.3, None])
def test_samples_have_mean_and_scale(scale):
    torch.manual_seed(0)
    built = build("likelihood", "gaussian", scale=scale)
    params = torch.tensor([1.5, -0.7], dtype=torch.float64)[: built.num_params]
    p = built(params.view(1, 1, -1, 1).expand(50_000, 1, -1, 2))
    sigma = torch.tensor(-0.7).double().exp() if scale is None else scale
    noise = (p.sample() - 1.5) / sigma
    assert_zero_mean(noise)
    assert_zero_mean(noise.square() - 1)
    assert_zero_mean(noise[..., 0] * noise[..., 1])
    assert float(p.mean.flatten()[0]) == 1.5


@pytest.mark.parametrize("scale", [0.0, -1.0])
def test_a_scale_that_is_not_positive_is_refused(scale):
    with pytest.raises(UserError, match=r"likelihood\.scale=.*must be above 0, or null"):
        build("likelihood", "gaussian", scale=scale)

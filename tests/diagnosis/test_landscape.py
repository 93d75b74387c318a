"""The negative ELBO by sums over a grid, against closed forms."""

import math

import pytest
import torch
from torch.testing import assert_close

from tests.evaluation.linear_gaussian import LinearGaussian
from vaelab.diagnosis.landscape import Gaussians, Landscape

MODEL = LinearGaussian()
X = MODEL.draw(60)[7]
EXACT = MODEL.slope @ X


def log_joint(z):
    log_px = MODEL.vae.decoder((z[:, None],)).log_prob(X[None])[:, 0].detach()
    return log_px - 0.5 * z.square().sum(-1) - math.log(2 * math.pi)


@pytest.fixture(scope="module")
def landscape():
    like = torch.zeros(1, dtype=torch.float64)
    return Landscape.of(log_joint, extent=7.0, points=201, rows=3000, like=like)


def closed_form(q):
    """-log p(x) + KL(q || p(z|x))."""
    ratio = q.log_var.exp() / MODEL.variance
    squares = (q.mean - EXACT).square() / MODEL.variance
    kl = 0.5 * (ratio + squares - 1 - ratio.log()).sum(-1)
    return kl - MODEL.log_px(X[None])


def some(count=40):
    torch.manual_seed(0)
    mean = torch.empty(count, 2, dtype=torch.float64).uniform_(-2, 2)
    return Gaussians(mean, torch.empty_like(mean).uniform_(-4.5, -0.5))


def test_it_is_minus_log_p_x_and_the_divergence(landscape):
    assert landscape.log_px == pytest.approx(float(MODEL.log_px(X[None])), abs=1e-9)
    q = some()
    assert_close(landscape.negative_elbo(q), closed_form(q), rtol=0, atol=1e-6)


def test_the_surface_has_dimension_0_first(landscape):
    first, second = torch.linspace(-2, 2, 5).double(), torch.linspace(-1, 2, 4).double()
    log_var = torch.tensor([-1.0, -2.0]).double()
    mean = torch.cartesian_prod(first, second)
    expected = closed_form(Gaussians(mean, log_var.expand(20, 2))).view(5, 4)
    assert_close(landscape.surface(first, second, log_var), expected, rtol=0, atol=1e-6)


def test_the_best_posterior_is_the_true_one(landscape):
    best = landscape.best()
    assert_close(best.mean[0], EXACT, rtol=0, atol=5e-3)
    assert_close(best.log_var[0], MODEL.variance.log(), rtol=0, atol=2e-2)
    assert float(landscape.negative_elbo(best)) == pytest.approx(-landscape.log_px, abs=1e-3)


def test_a_posterior_must_lie_inside_and_be_no_narrower_than_the_step(landscape):
    def holds(mean, spread):
        q = Gaussians(torch.tensor([[0.0, mean]]).double(), torch.tensor([[0.0, 0.0]]).double())
        return landscape.holds(Gaussians(q.mean, q.log_var + 2 * math.log(spread)))

    assert holds(1.9, 1.0)
    assert not holds(2.1, 1.0)  # 5 standard deviations reach 7.1
    assert not holds(-2.1, 1.0)
    assert holds(0.0, 0.071)
    assert not holds(0.0, 0.069)  # the step is 0.07

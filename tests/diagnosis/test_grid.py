"""Posteriors on a grid against the closed forms of a linear-Gaussian model and of a mixture."""

import math

import pytest
import torch
from torch.testing import assert_close

from tests.evaluation.linear_gaussian import LinearGaussian
from vaelab.diagnosis.grid import Window, on_grid, resolved
from vaelab.distribution import DiagonalGaussian


def of(model, x, extent=5.0, points=121, rows=5000):
    q = model.vae.encoder(x[None]).first
    prior = model.vae.prior(model.vae.encoder)

    def log_joint(z):
        return model.vae.decoder((z[:, None],)).log_prob(x[None])[:, 0] + prior.log_prob(z)

    own = DiagonalGaussian(q.mean[0].detach(), q.log_var[0].detach())
    return on_grid(log_joint, own, extent, points, rows)


@pytest.mark.parametrize(("shift", "widen"), [(0.0, 1.0), (0.4, 1.7), (-0.3, 0.5)])
def test_evidence_and_divergence_are_the_closed_forms(shift, widen):
    model = LinearGaussian(shift=shift, widen=widen)
    for x in model.draw(3):
        found = of(model, x)
        assert found.log_px == pytest.approx(float(model.log_px(x[None])), abs=1e-5)
        # q is cut at 4 standard deviations, 1e-4 of it in a dimension.
        assert found.kl == pytest.approx(model.gap(), abs=2e-3 * (1 + model.gap()))
        assert found.edge < 1e-4
        assert resolved(found)


def test_the_density_is_the_posterior_s():
    model = LinearGaussian(shift=0.2)
    x = model.draw(1)[0]
    found = of(model, x, points=61, rows=100)
    exact = DiagonalGaussian(model.slope @ x, model.variance.log())
    z = found.window.middles()
    assert_close(found.log_density.flatten(), exact.log_prob(z), rtol=0, atol=1e-4)


def test_a_first_window_much_too_wide_is_closed_in_upon():
    model = LinearGaussian(shift=0.2)
    x = model.draw(1)[0]
    near, far = of(model, x), of(model, x, extent=200.0)
    assert far.log_px == pytest.approx(near.log_px, abs=1e-4)
    assert far.kl == pytest.approx(near.kl, abs=1e-2)
    assert float((far.window.high - far.window.low).max()) < 10


def test_two_modes_are_both_found():
    # Half the mass near (3, 3), where q is not: log p(x) = 0, KL = log 2 but for their overlap.
    def log_joint(z):
        modes = torch.tensor([[-3.0, -3.0], [3.0, 3.0]], dtype=torch.float64)
        squared = (z[:, None] - modes).square().sum(-1) / 0.09
        return (-0.5 * squared - math.log(2 * math.pi * 0.09)).logsumexp(1) - math.log(2)

    mean = torch.tensor([-3.0, -3.0], dtype=torch.float64)
    q = DiagonalGaussian(mean, torch.full((2,), math.log(0.09), dtype=torch.float64))
    found = on_grid(log_joint, q, 6.0, 121, 10_000)
    assert found.log_px == pytest.approx(0.0, abs=1e-4)
    assert found.kl == pytest.approx(math.log(2), abs=1e-3)


def test_a_posterior_cut_off_by_its_window_says_so():
    # p(x, z) = N(0, I), of which a window around a narrow q at 0 holds a part.
    def log_joint(z):
        return -0.5 * z.square().sum(-1) - math.log(2 * math.pi)

    q = DiagonalGaussian(torch.zeros(2), torch.full((2,), math.log(0.01)))
    found = on_grid(log_joint, q, 0.5, 41, 10_000)
    assert found.edge > 0.01
    whole = on_grid(log_joint, q, 8.0, 41, 10_000)
    assert whole.edge < 1e-4
    assert not resolved(whole)  # cells of 0.3 for a q of 0.1
    assert resolved(on_grid(log_joint, q, 8.0, 301, 100_000))


def test_a_posterior_too_narrow_for_the_cells_that_q_needs_says_so():
    # p(z|x) has a standard deviation of 0.02; q of 1 holds the window open.
    def log_joint(z):
        return -0.5 * z.square().sum(-1) / 0.02**2 - math.log(2 * math.pi * 0.02**2)

    q = DiagonalGaussian(torch.zeros(2), torch.zeros(2))
    coarse = on_grid(log_joint, q, 3.0, 101, 20_000)
    assert not resolved(coarse)
    fine = on_grid(log_joint, q, 3.0, 801, 200_000)
    assert resolved(fine)
    assert fine.cells == pytest.approx(2 * math.sqrt(math.pi) * 0.02 / 0.01, rel=0.02)
    assert fine.log_px == pytest.approx(0.0, abs=1e-6)


def test_middles_are_inside_and_even():
    window = Window(torch.tensor([0.0, -1.0]), torch.tensor([1.0, 3.0]), 4)
    z = window.middles().unflatten(0, (4, 4))
    assert_close(z[:, 0, 0], torch.tensor([0.125, 0.375, 0.625, 0.875]))
    assert_close(z[0, :, 1], torch.tensor([-0.5, 0.5, 1.5, 2.5]))

"""The one-level Gaussian posterior."""

import torch
from torch.distributions import Normal
from torch.testing import assert_close

from vaelab.posterior import GaussianPosterior, Posterior


def posterior():
    generator = torch.Generator().manual_seed(0)
    draw = {"generator": generator, "dtype": torch.float64}
    mean = torch.randn(3, 4, **draw).requires_grad_()
    log_var = torch.randn(3, 4, **draw).requires_grad_()
    return mean, log_var, GaussianPosterior(mean, log_var)


def test_it_is_a_posterior_of_one_level():
    mean, log_var, q = posterior()
    assert isinstance(q, Posterior)
    (z,) = q.rsample(5)
    assert z.shape == (5, 3, 4)
    assert_close(q.means(), (mean,), rtol=0, atol=0)
    assert_close(q.first.log_var, log_var, rtol=0, atol=0)
    expected = Normal(mean, torch.exp(log_var / 2)).log_prob(z).sum(-1)
    assert_close(q.log_prob((z,)), expected, rtol=0, atol=1e-12)


def test_samples_carry_the_reparameterised_derivative():
    mean, log_var, q = posterior()
    (z,) = q.rsample(2)
    to_mean, to_log_var = torch.autograd.grad(z.sum(), (mean, log_var))
    assert_close(to_mean, torch.full_like(mean, 2.0))
    assert_close(to_log_var, ((z - mean) / 2).sum(0).detach())


def test_detach_stops_the_parameters_and_keeps_z():
    mean, log_var, q = posterior()
    z = q.rsample(2)[0].detach().requires_grad_()
    live, still = q.log_prob((z,)), q.detach().log_prob((z,))
    assert_close(live, still, rtol=0, atol=0)
    to_z = torch.autograd.grad(live.sum(), z, retain_graph=True)[0]
    found = torch.autograd.grad(still.sum(), (z, mean, log_var), allow_unused=True)
    assert_close(found[0], to_z)
    assert found[1:] == (None, None)
    assert isinstance(q.detach(), Posterior)

"""Closed forms of the linear-Gaussian model against direct computation."""

import numpy as np
import pytest
import torch
from torch.distributions import MultivariateNormal, Normal

from vaelab.dataset.linear_gaussian import LinearGaussian
from vaelab.errors import UserError


@pytest.fixture
def model():
    return LinearGaussian(dim=4, latent_dim=2, sigma=0.7, num_train=40_000, seed=3)


def test_log_marginal_is_the_multivariate_normals(model):
    x = torch.randn(6, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    covariance = model.weight @ model.weight.T + 0.49 * torch.eye(4, dtype=torch.float64)
    exact = MultivariateNormal(model.mean, covariance).log_prob(x)
    assert torch.allclose(model.log_marginal(x), exact, atol=1e-12)


def test_bayes_rule_holds_at_any_z(model):
    x = torch.randn(6, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    z = torch.randn(6, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    posterior = model.posterior(x)
    log_qz = MultivariateNormal(posterior.mean, posterior.covariance).log_prob(z)
    log_pz = Normal(torch.zeros_like(z), 1).log_prob(z).sum(-1)
    log_px = Normal(z @ model.weight.T + model.mean, 0.7).log_prob(x).sum(-1)
    assert torch.allclose(log_px + log_pz - log_qz, model.log_marginal(x), atol=1e-12)


def test_data_have_the_models_mean_and_covariance(model):
    x = model.load().train.x.double()
    covariance = model.weight @ model.weight.T + 0.49 * torch.eye(4, dtype=torch.float64)
    error = (x.mean(0) - model.mean) / (covariance.diagonal() / len(x)).sqrt()
    assert error.abs().max() < 4
    variance = covariance.square() + covariance.diagonal()[:, None] * covariance.diagonal()
    error = (torch.cov(x.T) - covariance) / (variance / len(x)).sqrt()
    assert error.abs().max() < 4


def test_splits_differ_and_the_seed_fixes_model_and_data(model):
    splits = model.load()
    assert not torch.equal(splits.valid.x, splits.test.x)
    assert not torch.equal(splits.train.x[:1000], splits.valid.x)
    assert torch.equal(LinearGaussian(seed=1).weight, LinearGaussian(seed=1).weight)
    assert not torch.equal(LinearGaussian(seed=1).weight, LinearGaussian(seed=2).weight)


@pytest.mark.parametrize("name", ["dim", "latent_dim", "sigma", "num_train", "num_test"])
def test_sizes_must_be_positive(name):
    nothing = 0.0 if name == "sigma" else 0
    with pytest.raises(UserError, match=rf"dataset.{name} must be above 0 \(got {nothing}\)"):
        LinearGaussian(**{name: nothing})


def test_data_are_the_draws_they_always_were():
    """W and mu, then z and noise of each split, of one stream of the seed."""
    model = LinearGaussian(dim=3, latent_dim=2, sigma=0.7, num_train=5, num_valid=4, seed=8)
    draws = np.random.RandomState(8)
    weight, mean = draws.standard_normal((3, 2)), draws.standard_normal(3)
    splits = model.load()
    for split, codes in zip((splits.train, splits.valid), model.codes, strict=False):
        z, noise = draws.standard_normal((len(split), 2)), draws.standard_normal((len(split), 3))
        x = torch.from_numpy(z) @ torch.from_numpy(weight).T + torch.from_numpy(mean)
        assert torch.equal(split.x, (x + 0.7 * torch.from_numpy(noise)).float())
        assert torch.equal(codes, torch.from_numpy(z))
    assert model.noise == 0.7**2

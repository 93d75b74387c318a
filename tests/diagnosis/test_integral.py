"""Posteriors by quadrature against those of linear Gaussian models, learned and known."""

import pytest
import torch
from torch.distributions import MultivariateNormal
from torch.testing import assert_close

from tests.diagnosis.known_runs import LINEAR, Built
from vaelab.dataset.figure8 import Figure8
from vaelab.dataset.linear_gaussian import LinearGaussian
from vaelab.diagnosis.integral import integral, known, learned, noisier, start
from vaelab.errors import UserError

X = torch.tensor([[0.3, -1.0, 0.5], [2.0, 0.1, -0.4]], dtype=torch.float64)


def closed_form(dataset, x, z):
    posterior = dataset.posterior(x)
    return torch.stack(
        [
            MultivariateNormal(mean, posterior.covariance).log_prob(z).exp()
            for mean in posterior.mean
        ]
    )


@pytest.mark.parametrize("latent_dim", [1, 2])
def test_known_posteriors_are_the_closed_form(latent_dim):
    dataset = LinearGaussian(dim=3, latent_dim=latent_dim, sigma=0.7)
    z = torch.linspace(-2, 2, 14, dtype=torch.float64).view(-1, latent_dim)
    assert_close(known(dataset, X).density(z), closed_form(dataset, X, z), rtol=1e-8, atol=1e-10)


def test_noisier_ones_are_those_of_a_model_with_more_noise():
    dataset = LinearGaussian(dim=3, latent_dim=1, sigma=0.7)
    z = torch.linspace(-2, 2, 9, dtype=torch.float64)[:, None]
    found = noisier(dataset, X, torch.tensor([0.8, 1.7], dtype=torch.float64)).density(z)
    for row, variance in enumerate((0.8, 1.7)):
        other = LinearGaussian(dim=3, latent_dim=1, sigma=variance**0.5)
        expected = closed_form(other, X[row : row + 1], z)[0]
        assert_close(found[row], expected, rtol=1e-4, atol=1e-8)


def test_a_posterior_of_three_modes_has_mass_1():
    x = torch.zeros(1, 2, dtype=torch.float64)  # where the figure crosses itself
    z = torch.linspace(-8, 8, 4001, dtype=torch.float64)
    density = known(Figure8(), x).density(z[:, None])[0]
    assert float(torch.trapezoid(density, z)) == pytest.approx(1, abs=1e-4)
    peaks = (density[1:-1] > density[:-2]) & (density[1:-1] > density[2:])
    assert int((peaks & (density[1:-1] > 1e-3)).sum()) == 3


def test_a_learned_model_that_is_the_true_one_has_its_posterior_and_density():
    run = Built("a", *LINEAR, true=True)
    loaded, x = run.load(), run.task.splits.train.x[:3]
    grid = start(loaded, run)
    model = learned(loaded, x, grid, 500)
    z = torch.linspace(-2, 2, 9, dtype=torch.float64)[:, None]
    exact = closed_form(run.dataset, x, z)
    assert_close(model.density(z), exact, rtol=1e-3, atol=1e-5)  # of float32 weights
    assert model.settled
    found = integral(loaded, x, grid, 500)
    assert_close(found.log_px, run.dataset.log_marginal(x), rtol=0, atol=1e-4)


def test_latents_of_three_dimensions_are_refused():
    run = Built("a", *LINEAR, "architecture.latent_dim=3")
    with pytest.raises(UserError, match=r"a: latent dimensions 3; .*latent_dim=1"):
        start(run.load(), run)


def test_a_prior_beyond_the_grid_is_refused():
    run = Built("a", *LINEAR, "prior=mog", "prior.components=2")
    with torch.no_grad():
        for parameter in run.task.vae.prior.parameters():
            parameter.fill_(9.0)  # means, far out
    with pytest.raises(UserError, match=r"a: p\(z\) is beyond the reach"):
        start(run.load(), run)

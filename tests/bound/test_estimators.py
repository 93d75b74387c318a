"""Means and variances of the gradient estimators, over many draws and in three dimensions.

p(z) = N(mu, I), p(x|z) = N(z, I), and a q that is wrong in mean and variance, differently in each
dimension. Every draw has parameters of its own, so that one backward pass gives all gradients.
"""

import pytest
import torch
from torch.testing import assert_close

from tests.laws.components import LinearEncoder, assert_zero_mean
from vaelab.bound.ciwae import Ciwae
from vaelab.bound.dreg import Dreg
from vaelab.bound.miwae import Miwae
from vaelab.bound.piwae import Piwae
from vaelab.bound.rws import Rws
from vaelab.bound.stl import Stl
from vaelab.diagnosis.gaussian_toy import ToyDecoder, ToyPrior
from vaelab.model import VAE

F64 = torch.float64
X = torch.tensor([1.0, -0.5, 2.0], dtype=F64)
MU = torch.tensor([0.3, 0.0, -0.4], dtype=F64)
EXACT = (X + MU) / 2, torch.full((3,), 0.5, dtype=F64).log()
WRONG = (
    EXACT[0] + torch.tensor([0.3, -0.2, 0.1], dtype=F64),
    EXACT[1] + torch.tensor([0.4, -0.3, 0.2], dtype=F64),
)


def gradients(bound, rows, q=WRONG, beta=1.0, seed=0):
    """Ascent directions: of q's mean and log-variance [R, 6], and of mu [R, 3]."""
    mean, log_var = (one.expand(rows, -1) for one in q)
    encoder = LinearEncoder(torch.zeros(3, 3, dtype=F64), mean, log_var)
    vae = VAE(encoder, ToyDecoder(), ToyPrior(MU.expand(rows, -1).clone()))
    x = X.expand(rows, -1)
    torch.manual_seed(seed)
    terms = vae.terms(x, encoder(x), bound.num_samples, log_qz=bound.log_qz)
    objective = bound(terms, beta)
    phi = torch.autograd.grad(
        objective.phi_loss, [encoder.bias, encoder.log_var], retain_graph=True
    )
    (theta,) = torch.autograd.grad(objective.theta_loss, vae.prior.mean)
    return -rows * torch.cat(phi, 1), -rows * theta


def draws(bound, count=100_000, part=10_000, **where):
    """The same for many rows; equal seeds are equal noise."""
    found = [gradients(bound, part, seed=seed, **where) for seed in range(count // part)]
    return tuple(torch.cat(some) for some in zip(*found, strict=True))


def standard_errors(rows):
    """How far the mean of independent rows is from zero."""
    return float((rows.mean(0) / rows.std(0) * len(rows) ** 0.5).abs().max())


@pytest.mark.parametrize("bound", [Stl(1, 5), Dreg(1, 5), Stl(2, 3), Dreg(2, 3)])
def test_path_gradients_are_zero_for_every_sample_at_the_posterior(bound):
    phi, _ = gradients(bound, 200, EXACT)
    assert float(phi.abs().max()) < 1e-12
    plain, _ = gradients(Miwae(1, 5), 200, EXACT)
    assert float(plain.abs().mean()) > 0.1
    assert_zero_mean(draws(Miwae(1, 5), 20_000, q=EXACT)[0])


@pytest.mark.parametrize("beta", [1.0, 0.5])
@pytest.mark.parametrize(("M", "K"), [(1, 2), (1, 5), (2, 5)])
def test_dreg_has_the_gradient_of_the_bound_as_its_mean(M, K, beta):
    plain, of_theta = draws(Miwae(M, K), beta=beta)
    dreg, theta = draws(Dreg(M, K), beta=beta)
    assert_zero_mean(dreg - plain)
    assert_close(theta, of_theta)  # on the same noise, draw by draw
    assert not torch.allclose(dreg[0], plain[0])


def test_the_check_sees_stl_s_bias_and_dreg_is_not_stl():
    plain, stl, dreg = (draws(bound)[0] for bound in (Miwae(1, 5), Stl(1, 5), Dreg(1, 5)))
    assert standard_errors(stl - plain) > 20
    assert standard_errors(stl - dreg) > 20


def test_at_one_sample_dreg_is_stl():
    assert_close(gradients(Dreg(1, 1), 100), gradients(Stl(1, 1), 100))


def test_the_check_sees_a_wrong_exponent_under_a_kl_weight():
    # At beta = 1/2 the factor is w (1/2 + w/2); w^2, right at beta = 1, must fail here.
    class Wrong(Dreg):
        def __call__(self, terms, beta):
            return super().__call__(terms, 1.0)

    plain, _ = draws(Miwae(1, 3), 50_000, beta=0.5)
    wrong, _ = draws(Wrong(1, 3), 50_000, beta=0.5)
    assert standard_errors(wrong - plain) > 20


@pytest.mark.parametrize("K", [2, 5])
def test_stl_is_iwae_plus_rws(K):
    # The score term that STL leaves out is the wake phase's: draw by draw, so in mean.
    stl, plain, rws = (draws(bound, 20_000)[0] for bound in (Stl(1, K), Miwae(1, K), Rws(1, K)))
    assert_close(stl, plain + rws)
    assert standard_errors(rws) > 20  # it is not by being nothing that it adds up


@pytest.mark.parametrize("make", [Miwae, Dreg, Stl, Rws], ids=lambda one: one.__name__)
def test_groups_divide_the_variance_and_leave_the_mean(make):
    count = 50_000
    one, four, sixteen = (draws(make(M, 3), count) for M in (1, 4, 16))
    for group in (0, 1):
        for other, M in ((four, 4), (sixteen, 16)):
            shared = M * other[group].var(0) / one[group].var(0)
            assert float((shared - 1).abs().max()) < 0.06
            difference = other[group].mean(0) - one[group].mean(0)
            error = ((other[group].var(0) + one[group].var(0)) / count).sqrt()
            # Their noise has seeds in common but is laid out otherwise: take it as independent.
            assert float((difference / error).abs().max()) < 4.5


def test_piwae_has_one_mean_for_each_group():
    phi, theta = draws(Piwae(4, 3), 20_000)
    of_phi, _ = draws(Miwae(4, 3), 20_000)
    _, of_theta = draws(Miwae(1, 12), 20_000)
    assert_close(phi, of_phi)
    assert_close(theta, of_theta)


def test_ciwae_s_mean_lies_between():
    mixed = draws(Ciwae(5, 0.25), 10_000)
    low, high = draws(Miwae(5, 1), 10_000), draws(Miwae(1, 5), 10_000)
    for group in (0, 1):
        assert_close(mixed[group], 0.25 * low[group] + 0.75 * high[group])

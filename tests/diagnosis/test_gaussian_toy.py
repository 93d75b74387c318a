"""The toy's closed forms against quadrature, and its gradients against ones by hand."""

import math

import pytest
import torch
from scipy import integrate, stats
from torch.distributions import MultivariateNormal, Normal, kl_divergence
from torch.testing import assert_close

from vaelab.bound.ciwae import Ciwae
from vaelab.bound.dreg import Dreg
from vaelab.bound.elbo import Elbo
from vaelab.bound.miwae import Miwae
from vaelab.bound.piwae import Piwae
from vaelab.bound.rws import Rws
from vaelab.bound.stl import Stl
from vaelab.diagnosis.gaussian_toy import GaussianToy, gaussian_toy

F64 = torch.float64
LIKE = torch.zeros((), dtype=F64)


def toy(dims=3, variance=2 / 3, perturbation=0.2, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return gaussian_toy(dims, variance, perturbation, 64, generator)


def at_optimum(variance):
    zero = torch.zeros(20, dtype=F64)
    return GaussianToy(zero, zero, torch.eye(20, dtype=F64) / 2, zero, variance)


@pytest.mark.parametrize(
    ("variance", "kl", "rho"), [(2 / 3, 0.456513, 1.906721), (4 / 9, 0.066719, 1.170562)]
)
def test_the_page_s_numbers_at_the_optimum(variance, kl, rho):
    one = at_optimum(variance)
    assert one.kl == pytest.approx(kl, abs=1e-6)
    assert one.rho == pytest.approx(rho, abs=1e-6)
    assert bool((one.delta == 0).all())


def test_log_px_and_kl_are_torch_s():
    one = toy()
    marginal = MultivariateNormal(one.mean, 2 * torch.eye(3, dtype=F64))
    assert one.log_px == pytest.approx(float(marginal.log_prob(one.x)))
    posterior = Normal((one.x + one.mean) / 2, math.sqrt(0.5))
    q = Normal(one.weight @ one.x + one.bias, math.sqrt(2 / 3))
    assert one.kl == pytest.approx(float(kl_divergence(q, posterior).sum()))


@pytest.mark.parametrize("variance", [2 / 3, 4 / 9, 0.3])
def test_rho_is_the_integral_of_the_squared_weight(variance):
    # One integral a dimension: E_q[(posterior / q)^2].
    one, product = toy(variance=variance), 1.0
    for x, mu, m in zip(one.x.tolist(), one.mean.tolist(), one.q_mean.tolist(), strict=True):

        def integrand(z, x=x, mu=mu, m=m):
            posterior = stats.norm.logpdf(z, (x + mu) / 2, math.sqrt(0.5))
            return math.exp(2 * posterior - stats.norm.logpdf(z, m, math.sqrt(variance)))

        product *= integrate.quad(integrand, -40, 40, points=[m, (x + mu) / 2], limit=400)[0]
    assert one.rho == pytest.approx(product, rel=1e-7)


def moved(one, **changes):
    return GaussianToy(**{**vars(one), **changes})


@pytest.mark.parametrize("d", range(3))
def test_signals_are_finite_differences_of_the_closed_forms(d):
    one, step = toy(), 1e-5
    unit = torch.zeros(3, dtype=F64)
    unit[d] = step

    def slope(of, name):
        up = moved(one, **{name: getattr(one, name) + unit})
        down = moved(one, **{name: getattr(one, name) - unit})
        return (of(up) - of(down)) / (2 * step)

    assert float(one.elbo_phi[d]) == pytest.approx(slope(lambda t: t.log_px - t.kl, "bias"))
    assert float(one.elbo_theta[d]) == pytest.approx(slope(lambda t: t.log_px - t.kl, "mean"))
    assert float(one.log_px_theta[d]) == pytest.approx(slope(lambda t: t.log_px, "mean"))
    gap = slope(lambda t: -(t.rho - 1) / (2 * 16), "bias")
    assert float(one.iwae_phi(16)[d]) == pytest.approx(gap, rel=1e-6)


def by_hand(one, bound, M, K, rows):
    """(phi, theta) gradients from the page's derivatives, for the noise that torch draws next."""
    sd, noise = math.sqrt(one.variance), torch.randn(M * K, rows, 3, dtype=F64)
    m = one.q_mean
    z = m + sd * noise
    log_w = (
        Normal(z, 1.0).log_prob(one.x).sum(-1)
        + Normal(one.mean, 1.0).log_prob(z).sum(-1)
        - Normal(m, sd).log_prob(z).sum(-1)
    )
    log_w = log_w.view(M, K, rows, 1)
    z = z.view(M, K, rows, 3)
    total = one.x + one.mean - 2 * z  # d l / db; its path part has the score added
    score = (z - m) / one.variance
    path = total + score
    theta = z - one.mean
    w = log_w.softmax(1)
    all_w = log_w.flatten(0, 1).softmax(0).view(M, K, rows, 1)
    if isinstance(bound, Elbo):
        return total.mean((0, 1)), theta.mean((0, 1))
    if isinstance(bound, Ciwae):
        c = bound.elbo_weight
        mixed = c / K + (1 - c) * w
        return (mixed * total).sum(1).mean(0), (mixed * theta).sum(1).mean(0)
    if isinstance(bound, Piwae):
        return (w * total).sum(1).mean(0), (all_w * theta).sum((0, 1))
    factor = {Miwae: w * total, Stl: w * path, Dreg: w**2 * path, Rws: w * score}[type(bound)]
    return factor.sum(1).mean(0), (w * theta).sum(1).mean(0)


@pytest.mark.parametrize(
    ("make", "M", "K"),
    [
        (lambda: Elbo(6, "sampled", 0.0, "total"), 1, 6),
        (lambda: Miwae(2, 3), 2, 3),
        (lambda: Stl(2, 3), 2, 3),
        (lambda: Dreg(2, 3), 2, 3),
        (lambda: Dreg(1, 1), 1, 1),
        (lambda: Rws(2, 3), 2, 3),
        (lambda: Piwae(2, 3), 2, 3),
        (lambda: Ciwae(6, 0.3), 1, 6),
    ],
    ids=["elbo", "miwae", "stl", "dreg", "dreg1", "rws", "piwae", "ciwae"],
)
def test_every_row_is_the_gradient_by_hand(make, M, K):
    one, bound = toy(), make()
    torch.manual_seed(3)
    found = one.gradients(bound, 5, LIKE)
    torch.manual_seed(3)
    assert_close(found, by_hand(one, bound, M, K, 5))


def test_the_weight_s_gradient_is_b_s_times_x():
    # Why A's ratios need no measuring at one x.
    one = toy()
    vae = one.copies(1, LIKE)
    weight = one.weight.clone().requires_grad_()
    vae.encoder.weight = weight
    x = one.x.expand(1, -1)
    torch.manual_seed(0)
    bound = Miwae(1, 4)
    loss = bound(vae.terms(x, vae.encoder(x), 4), 1.0).phi_loss
    of_weight, of_bias = torch.autograd.grad(loss, [weight, vae.encoder.bias])
    assert_close(of_weight, of_bias[0].outer(one.x))


def test_the_optimum_is_the_data_s_and_the_perturbation_has_its_size():
    exact = toy(dims=20, perturbation=0.0)
    assert_close(exact.weight, torch.eye(20, dtype=F64) / 2)
    assert_close(exact.bias, exact.mean / 2)
    near = toy(dims=20, perturbation=0.01)
    assert_close(near.x, exact.x)
    noise = torch.cat([near.mean - exact.mean, (near.weight - exact.weight).flatten()])
    assert float(noise.std()) == pytest.approx(0.01, rel=0.15)
    # mu is the mean of data from N(mu_true, 2 I), and x is one of them.
    many = [toy(dims=1, perturbation=0.0, seed=seed) for seed in range(400)]
    spread = torch.tensor([float(one.x - one.mean) for one in many]).var()
    assert float(spread) == pytest.approx(2 * 63 / 64, rel=0.25)

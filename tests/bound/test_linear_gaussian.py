"""The bounds of models whose log p(x) and posterior are known: their means, their order, their
derivatives against finite differences of what they log, at one and at two latent levels."""

import pytest
import torch
from torch.testing import assert_close

from tests.evaluation.two_level_gaussian import TwoLevelGaussian
from tests.laws.components import LinearGaussian
from vaelab.bound.ciwae import Ciwae
from vaelab.bound.dreg import Dreg
from vaelab.bound.elbo import Elbo
from vaelab.bound.iwae import Iwae
from vaelab.bound.miwae import Miwae
from vaelab.bound.piwae import Piwae
from vaelab.bound.stl import Stl
from vaelab.model import VAE
from vaelab.prior.standard import Standard

TOY = LinearGaussian()
WRONG = VAE(TOY.wrong_encoder(), TOY.decoder(), Standard(2)).double()
COUNT = 20_000


def elbo(samples=1):
    return Elbo(num_samples=samples, kl="sampled", free_bits=0.0, log_qz="total")


def values(bound, seed=0, field="value"):
    """COUNT draws of the bound of each x, [COUNT, 3]."""
    torch.manual_seed(seed)
    x = TOY.x.repeat(COUNT, 1)
    with torch.no_grad():
        terms = WRONG.terms(x, WRONG.encoder(x), bound.num_samples, log_qz=bound.log_qz)
        return getattr(bound(terms, 1.0), field).view(COUNT, 3)


def mean(bound, **how):
    """Mean of the draws and its standard error, of each x."""
    drawn = values(bound, **how)
    return drawn.mean(0), drawn.std(0) / COUNT**0.5


def rho():
    """E_q[w^2] / p(x)^2 of each x, from the formula for diagonal Gaussians."""
    q, exact = WRONG.encoder(TOY.x).first, TOY.exact_encoder()(TOY.x).first
    s, v = q.log_var.exp(), exact.log_var.exp()
    spread = 2 * s - v
    assert bool((spread > 0).all())
    log_rho = s.log() - 0.5 * (v * spread).log() + (exact.mean - q.mean).square() / spread
    return log_rho.sum(-1).exp().detach()


def test_the_first_is_log_p_less_the_divergence_and_they_rise_towards_log_p():
    kl = TOY.kl_to_exact(WRONG.encoder(TOY.x).first)
    before = None
    for K in (1, 2, 4, 16, 64):
        found, error = mean(Iwae(K), seed=K)
        gap = TOY.log_p - found
        if K == 1:
            assert bool(((gap - kl).abs() < 4 * error).all())
        if K == 64:  # (rho - 1) / 2K + O(1 / K^2), the rest small where rho is
            expected, near = (rho() - 1) / (2 * K), rho() < 2
            assert int(near.sum()) == 2
            assert bool(((gap - expected).abs() < 4 * error)[near].all())
            assert bool((gap > 3 * error)[near].all())
        if before is not None:
            assert bool((before > gap).all())
        before = gap


@pytest.mark.parametrize(
    ("bound", "field", "same"),
    [
        (Miwae(3, 4), "value", Iwae(4)),
        (Dreg(3, 4), "value", Iwae(4)),
        (Stl(3, 4), "value", Iwae(4)),
        (Piwae(3, 4), "value", Iwae(12)),
        (Piwae(3, 4), "phi_value", Iwae(4)),
        (elbo(5), "value", Iwae(1)),
    ],
    ids=lambda one: type(one).__name__ if not isinstance(one, str) else one,
)
def test_what_is_logged_has_the_mean_of_the_bound_it_is(bound, field, same):
    found, error = mean(bound, field=field)
    expected, other = mean(same, seed=1)
    assert bool(((found - expected).abs() < 4 * (error**2 + other**2).sqrt()).all())


def test_ciwae_s_mean_lies_between_its_parts_by_its_weight():
    found, _ = mean(Ciwae(4, 0.3), seed=2)
    low, high = mean(elbo(4), seed=2)[0], mean(Iwae(4), seed=2)[0]  # the same noise
    assert_close(found, 0.3 * low + 0.7 * high)


TWO = TwoLevelGaussian(wrong=0.06)
X = {1: TOY.x, 2: TWO.draw(3)}
MODELS = {1: WRONG, 2: TWO.vae}


def objective(bound, levels):
    """One evaluation on noise that is always the same."""
    torch.manual_seed(7)
    vae, x = MODELS[levels], X[levels]
    return bound(vae.terms(x, vae.encoder(x), bound.num_samples, log_qz=bound.log_qz), 1.0)


@pytest.mark.parametrize("levels", [1, 2])
@pytest.mark.parametrize(
    "bound",
    [elbo(3), Iwae(3), Miwae(2, 3), Piwae(2, 3), Ciwae(3, 0.4)],
    ids=lambda bound: type(bound).__name__,
)
def test_gradients_are_finite_differences_of_what_is_logged(bound, levels):
    vae, step = MODELS[levels], 1e-6
    groups = vae.parameter_groups()
    for name, field in (("phi", "phi_value"), ("theta", "value")):
        field = field if bound.two_values else "value"
        found = objective(bound, levels)
        loss = found.phi_loss if name == "phi" else found.theta_loss
        gradients = torch.autograd.grad(-loss, groups[name], materialize_grads=True)
        for parameter, gradient in zip(groups[name], gradients, strict=True):
            place = int(gradient.abs().argmax())  # of each tensor the number that matters most
            flat = parameter.data.view(-1)
            sides = []
            for sign in (1, -1):
                flat[place] += sign * step
                sides.append(getattr(objective(bound, levels), field).mean())
                flat[place] -= sign * step
            numeric = (sides[0] - sides[1]) / (2 * step)
            assert_close(gradient.view(-1)[place], numeric, rtol=1e-5, atol=1e-8)

"""Laws of every bound, on a linear-Gaussian model whose log p(x) and posterior are known.

The analytic KL divergence is asked for where the bound asks for it, as training does.
"""

import pytest
import torch
from torch.testing import assert_close

from tests.laws.components import LinearDecoder, LinearGaussian, assert_zero_mean, build, options
from vaelab.errors import UserError
from vaelab.model import VAE, Terms
from vaelab.prior.standard import Standard

TOY = LinearGaussian()
BOUNDS = pytest.mark.parametrize("option", options("bound"))


def bound_of(option, **settings):
    return build("bound", option, {"epochs": 10}, **settings)


def of_one_sample(option):
    """The bound with one sample, or None where it wants more."""
    try:
        bound = bound_of(option, M=1, K=1)
    except UserError:
        return None
    return bound if bound.num_samples == 1 else None


def terms_of(bound, vae, x):
    return vae.terms(
        x, vae.encoder(x), bound.num_samples, log_qz=bound.log_qz, analytic_kl=bound.analytic_kl
    )


def model(encoder):
    return VAE(encoder, TOY.decoder(), Standard(2)).double()


def some_terms(bound, batch=3):
    """Any numbers: what a bound does with them is arithmetic."""
    draw = [torch.randn(bound.num_samples, batch, dtype=torch.float64) for _ in range(3)]
    kl = torch.rand(batch, 2, dtype=torch.float64) if bound.analytic_kl else None
    z = (torch.randn(bound.num_samples, batch, 2, dtype=torch.float64),)
    return Terms(z, *(d.requires_grad_() for d in draw), kl)


@BOUNDS
def test_values_are_per_example_detached_and_losses_are_scalars(option):
    bound = bound_of(option)
    vae = model(TOY.wrong_encoder())
    objective = bound(terms_of(bound, vae, TOY.x), 0.5)
    assert objective.value.shape == (3,)
    assert not objective.value.requires_grad
    assert objective.phi_loss.shape == objective.theta_loss.shape == ()
    for loss, parameters in (
        (objective.phi_loss, list(vae.encoder.parameters())),
        (objective.theta_loss, list(vae.decoder.parameters())),
    ):
        gradients = torch.autograd.grad(loss, parameters, retain_graph=True)
        assert all(float(g.abs().max()) > 0 for g in gradients)


@BOUNDS
def test_the_value_is_the_bound_at_beta_one_whatever_beta(option):
    bound = bound_of(option)
    terms = some_terms(bound)
    at_one = bound(terms, 1.0).value
    for beta in (0.0, 0.3, 7.0):
        assert_close(bound(terms, beta).value, at_one, rtol=0, atol=0)


@BOUNDS
def test_values_lie_below_log_p_in_expectation(option):
    bound = bound_of(option, M=2, K=2)
    vae = model(TOY.wrong_encoder())
    count = 10_000
    with torch.no_grad():
        x = TOY.x.repeat_interleave(count, 0)
        value = bound(terms_of(bound, vae, x), 1.0).value.view(3, count)
    error = value.std(1) / count**0.5
    z = (value.mean(1) - TOY.log_p) / error
    assert float(z.max()) < 0
    assert float(z.min()) < -10  # this q is far from exact


@BOUNDS
def test_values_are_log_p_for_every_sample_at_the_true_posterior(option):
    bound = bound_of(option)
    objective = bound(terms_of(bound, model(TOY.exact_encoder()), TOY.x), 1.0)
    assert_close(objective.value, TOY.log_p, rtol=0, atol=1e-12)


@BOUNDS
def test_a_batch_is_the_mean_of_its_examples(option):
    bound = bound_of(option)
    terms = some_terms(bound)
    together = bound(terms, 0.7)
    alone = []
    for b in range(3):
        one = slice(b, b + 1)
        kl = None if terms.kl is None else terms.kl[one]
        z = tuple(level[:, one] for level in terms.z)
        parts = (terms.log_px[:, one], terms.log_pz[:, one], terms.log_qz[:, one])
        alone.append(bound(Terms(z, *parts, kl), 0.7))
    assert_close(together.value, torch.cat([o.value for o in alone]))
    assert_close(together.phi_loss, torch.stack([o.phi_loss for o in alone]).mean())
    assert_close(together.theta_loss, torch.stack([o.theta_loss for o in alone]).mean())


@BOUNDS
def test_log_px_moves_the_value_by_as_much(option):
    bound = bound_of(option)
    terms = some_terms(bound)
    moved = Terms(terms.z, terms.log_px - 543.0, terms.log_pz, terms.log_qz, terms.kl)
    assert_close(bound(moved, 1.0).value, bound(terms, 1.0).value - 543.0)


@BOUNDS
def test_at_beta_zero_the_generator_descends_log_px_alone(option):
    bound = of_one_sample(option)
    if bound is None:
        pytest.skip("weights over several samples also depend on log p(x|z)")
    vae = model(TOY.wrong_encoder())
    terms = terms_of(bound, vae, TOY.x)
    parameters = list(vae.decoder.parameters())
    ours = torch.autograd.grad(bound(terms, 0.0).theta_loss, parameters, retain_graph=True)
    assert_close(ours, torch.autograd.grad(-terms.log_px.mean(), parameters))


@BOUNDS
def test_the_generators_gradient_is_that_of_the_bound_in_expectation(option):
    bound = of_one_sample(option)
    if bound is None:
        pytest.skip("known in closed form for one sample only")
    count = 3000
    decoder = LinearDecoder(TOY.weight, TOY.bias.repeat(3 * count, 1), TOY.scale)  # one c for each
    vae = VAE(TOY.wrong_encoder(), decoder, Standard(2)).double()
    loss = bound(terms_of(bound, vae, TOY.x.repeat(count, 1)), 1.0).theta_loss * 3 * count
    gradients = -torch.autograd.grad(loss, decoder.bias)[0].view(count, 3, 4)
    # d/dc E_q[log N(x; W z + c, s^2)] = (x - W E[z] - c) / s^2.
    with torch.no_grad():
        residual = TOY.x - vae.encoder(TOY.x).first.mean @ TOY.weight.T - TOY.bias
    assert_zero_mean(gradients - residual / TOY.scale**2)

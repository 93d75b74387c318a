"""The two-level posterior: its densities, its derivatives, and what it does not compute twice."""

import pytest
import torch
from torch.distributions import Normal
from torch.testing import assert_close

from tests.architecture.published import architecture
from tests.evaluation.two_level_gaussian import TwoLevelGaussian
from tests.laws.components import assert_zero_mean
from vaelab.model import VAE
from vaelab.posterior import Posterior
from vaelab.prior.standard import Standard

MODEL = TwoLevelGaussian(wrong=0.06)
X = MODEL.draw(3)


def phi():
    return list(MODEL.vae.encoder.parameters())


def flat(value):
    """The gradient to phi as one vector."""
    found = torch.autograd.grad(value, phi(), retain_graph=True, allow_unused=True)
    pairs = zip(found, phi(), strict=True)
    return torch.cat([torch.zeros_like(p).ravel() if g is None else g.ravel() for g, p in pairs])


def test_it_is_the_density_of_both_levels():
    encoder = MODEL.vae.encoder
    q = encoder(X)
    assert isinstance(q, Posterior)
    z2, z1 = q.rsample(4)
    assert z2.shape == z1.shape == (4, 3, 2)
    top = Normal(X @ encoder.slope.T + encoder.bias, (encoder.log_var / 2).exp())
    mean = X @ encoder.of_x.T + encoder.of_x_bias + z2 @ encoder.lower.slope.T
    lower = Normal(mean, (encoder.lower.log_var / 2).exp())
    expected = top.log_prob(z2).sum(-1) + lower.log_prob(z1).sum(-1)
    copies = (z2.clone(), z1.clone())
    for density in (q, q.detach()):
        assert_close(density.log_prob((z2, z1)), expected)
        assert_close(density.log_prob(copies), expected)


def test_z1_is_drawn_at_each_z2():
    torch.manual_seed(0)
    encoder, q = MODEL.vae.encoder, MODEL.vae.encoder(X)
    with torch.no_grad():
        z2, z1 = q.rsample(20_000)
        mean = X @ encoder.of_x.T + encoder.of_x_bias + z2 @ encoder.lower.slope.T
        residual = (z1 - mean) * (-encoder.lower.log_var / 2).exp()
    for moment in (residual, residual.square() - 1, residual * (z2 - z2.mean(0))):
        assert_zero_mean(moment)


def test_means_are_of_z2_and_of_z1_at_one_z2_drawn_from_q():
    torch.manual_seed(0)
    encoder, q = MODEL.vae.encoder, MODEL.vae.encoder(X)
    with torch.no_grad():
        top, _ = q.means()
        draws = torch.stack([q.means()[1] for _ in range(2000)])
        middle = X @ encoder.of_x.T + encoder.of_x_bias + top @ encoder.lower.slope.T
        # Linear in z2: the mean is that at the mean of z2, the variance that of slope z2.
        variance = encoder.lower.slope.square() @ encoder.log_var.exp()
    assert_close(top, q.first.mean, rtol=0, atol=0)
    assert_zero_mean(draws - middle)
    assert_zero_mean((draws - middle).square() - variance)


@pytest.mark.parametrize("log_qz", ["total", "path"])
def test_gradients_have_the_closed_form_s_mean(log_qz):
    """ELBO = log p(x) - KL(q || p(z|x)), whose gradient to phi is that of the KL."""
    torch.manual_seed(0)
    exact = flat(-MODEL.gap(X).sum())
    assert float(exact.abs().min()) > 1e-3
    draws = []
    for _ in range(300):
        terms = MODEL.vae.terms(X, MODEL.vae.encoder(X), 20, log_qz=log_qz)
        draws.append(flat(terms.log_w().mean(0).sum()) - exact)
    assert_zero_mean(torch.stack(draws))


def test_total_is_path_plus_score_at_both_levels():
    found = {}
    for log_qz in ("total", "path", "score"):
        torch.manual_seed(3)
        terms = MODEL.vae.terms(X, MODEL.vae.encoder(X), 4, log_qz=log_qz)
        found[log_qz] = terms.log_qz.detach(), flat(terms.log_qz.sum())
    (value, total), (_, path), (_, score) = found.values()
    assert_close(total, path + score)
    for other, _ in found.values():
        assert_close(other, value, rtol=0, atol=1e-12)
    assert float(path.abs().min()) > 1e-6
    assert float(score.abs().min()) > 1e-6


def iwae_gradient(log_w):
    return flat((log_w.logsumexp(0)).mean())


def dreg_gradient(log_w, z):
    """Doubly reparameterised: each path weighted by w twice, once here and once by the hook."""
    weight = log_w.detach().softmax(0)
    hooks = [level.register_hook(lambda g: g * weight[..., None]) for level in z]
    gradient = flat((weight * log_w).sum(0).mean())
    for hook in hooks:
        hook.remove()
    return gradient


def test_hooks_on_the_copies_give_an_unbiased_dreg_and_hooks_on_the_samples_do_not():
    """On the sampler's own z2 the hook would also meet what z1's path carries: weighted twice."""
    torch.manual_seed(0)
    x = X.repeat(100, 1)
    right, double = [], []
    for _ in range(200):
        q = MODEL.vae.encoder(x)
        drawn, rsample = [], q.rsample
        q.rsample = lambda k, drawn=drawn, rsample=rsample: drawn.extend(rsample(k)) or tuple(drawn)
        state = torch.get_rng_state()
        terms = MODEL.vae.terms(x, q, 4, log_qz="path")
        torch.set_rng_state(state)  # the same noise: the difference has less of it
        plain = iwae_gradient(MODEL.vae.terms(x, MODEL.vae.encoder(x), 4).log_w())
        right.append(dreg_gradient(terms.log_w(), terms.z) - plain)
        double.append(dreg_gradient(terms.log_w(), drawn) - plain)
    assert_zero_mean(torch.stack(right))
    with pytest.raises(AssertionError, match="standard errors"):
        assert_zero_mean(torch.stack(double), bound=10)


def network(option="hvae"):
    torch.manual_seed(0)
    built = architecture(option, (1, 8, 8), latent_dims=[3, 2], width=6, channels=4)
    return VAE(built.encoder, built.decoder, Standard(3)).double()


def counted(module):
    calls = []
    module.register_forward_hook(lambda *_: calls.append(1))
    return calls


@pytest.mark.parametrize(
    ("option", "of_x"), [("hvae", lambda e: e.of_x), ("conv_hvae", lambda e: e.convs_of_x)]
)
def test_the_top_level_costs_nothing_of_the_lower_one(option, of_x):
    vae = network(option)
    of_x, lower = counted(of_x(vae.encoder)), counted(vae.encoder.lower)
    x = torch.rand(5, 1, 8, 8, dtype=torch.float64)
    q = vae.encoder(x)
    assert q.first.mean.requires_grad
    assert not of_x
    assert not lower
    vae.terms(x, q, 3).log_w().sum().backward()
    assert (len(of_x), len(lower)) == (1, 1)
    vae.terms(x, q, 3)  # more samples of the same batch, as evaluation draws
    assert (len(of_x), len(lower)) == (1, 2)


@pytest.mark.parametrize("log_qz", ["path", "score"])
def test_other_derivatives_run_the_lower_network_on_the_copies(log_qz):
    vae = network()
    of_x, lower = counted(vae.encoder.of_x), counted(vae.encoder.lower)
    x = torch.rand(5, 1, 8, 8, dtype=torch.float64)
    vae.terms(x, vae.encoder(x), 3, log_qz=log_qz)
    assert (len(of_x), len(lower)) == (1, 2)


def test_what_was_made_without_a_graph_does_not_serve_a_gradient():
    vae = network()
    x = torch.rand(5, 1, 8, 8, dtype=torch.float64)
    q = vae.encoder(x)
    with torch.no_grad():
        z = q.rsample(3)
    weights = list(vae.encoder.parameters())
    found = torch.autograd.grad(q.log_prob(z).sum(), weights)
    fresh = torch.autograd.grad(vae.encoder(x).log_prob(z).sum(), weights)
    assert_close(found, fresh, rtol=0, atol=0)
    with torch.no_grad():
        assert not q.log_prob(z).requires_grad


def test_a_detached_posterior_leaves_phi_alone_and_its_own_module_as_it_was():
    vae = network()
    x = torch.rand(5, 1, 8, 8, dtype=torch.float64)
    still = vae.encoder(x).detach()
    assert isinstance(still, Posterior)
    z = still.rsample(2)
    assert not any(level.requires_grad for level in (*z, still.log_prob(z), *still.means()))
    assert all(p.requires_grad for p in vae.encoder.parameters())
    again = still.detach().log_prob(z)
    assert_close(again, still.log_prob(z), rtol=0, atol=0)

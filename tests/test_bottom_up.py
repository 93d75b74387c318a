"""The bottom-up posterior: its density, its derivatives, and what it does not compute twice."""

import pytest
import torch
from torch.distributions import Normal
from torch.testing import assert_close

from tests.bottom_up_gaussian import BottomUpGaussian, joint
from tests.laws.components import assert_zero_mean
from vaelab.bottom_up import Above, BottomUpPosterior
from vaelab.evaluation.mutual_information import paired_information
from vaelab.posterior import Posterior

MODEL = BottomUpGaussian(wrong=0.06)
X = MODEL.draw(3)


def flat(value):
    """The gradient to phi as one vector."""
    phi = list(MODEL.vae.encoder.parameters())
    found = torch.autograd.grad(value, phi, retain_graph=True, allow_unused=True)
    pairs = zip(found, phi, strict=True)
    return torch.cat([torch.zeros_like(p).ravel() if g is None else g.ravel() for g, p in pairs])


def test_it_is_the_density_of_both_levels_listed_top_first():
    encoder = MODEL.vae.encoder
    q = encoder(X)
    assert isinstance(q, Posterior)
    assert q.first_level == 1
    h2, h1 = q.rsample(4)
    expected = joint(encoder, X).log_prob(torch.cat([h1, h2], -1))
    for density in (q, q.detach()):
        assert_close(density.log_prob((h2, h1)), expected)
        assert_close(density.log_prob((h2.clone(), h1.clone())), expected)


def test_h2_is_drawn_at_each_h1():
    torch.manual_seed(0)
    encoder = MODEL.vae.encoder
    with torch.no_grad():
        h2, h1 = encoder(X).rsample(20_000)
        up = encoder.above(h1)
        residual = (h2 - up.mean) * (-up.log_var / 2).exp()
        first = (h1 - encoder(X).first.mean) * (-encoder.log_var / 2).exp()
    for moment in (residual, residual.square() - 1, residual * first, first, first.square() - 1):
        assert_zero_mean(moment)


def test_means_are_of_h2_at_one_h1_drawn_from_q_and_of_h1():
    torch.manual_seed(0)
    encoder = MODEL.vae.encoder
    with torch.no_grad():
        q = encoder(X)
        draws = torch.stack([q.means()[0] for _ in range(2000)])
        middle = encoder.above(q.first.mean).mean
        variance = encoder.above.slope.square() * encoder.log_var.exp()
    assert_close(q.means()[1], q.first.mean, rtol=0, atol=0)
    assert_zero_mean(draws - middle)
    assert_zero_mean((draws - middle).square() - variance)


def test_the_exact_posterior_gives_log_p_without_variance():
    model = BottomUpGaussian()
    terms = model.vae.terms(X, model.vae.encoder(X), 50)
    expected = model.of_x.log_prob(X).expand(50, -1)
    assert_close(terms.log_w().detach(), expected, rtol=0, atol=1e-10)


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
        found[log_qz] = flat(terms.log_qz.sum())
    assert_close(found["total"], found["path"] + found["score"])
    assert float(found["path"].abs().min()) > 1e-6
    assert float(found["score"].abs().min()) > 1e-6


def doubly_reparameterised(x, wrap=lambda q: q):
    """DReG's gradient of IWAE(4), and the plain one of the same noise."""
    state = torch.get_rng_state()
    terms = MODEL.vae.terms(x, wrap(MODEL.vae.encoder(x)), 4, log_qz="path")
    log_w = terms.log_w()
    weight = log_w.detach().softmax(0)
    for level in terms.z:
        level.register_hook(lambda gradient: gradient * weight[..., None])
    dreg = flat((weight * log_w).sum(0).mean())
    torch.set_rng_state(state)
    return dreg, flat(MODEL.vae.terms(x, MODEL.vae.encoder(x), 4).log_w().logsumexp(0).mean())


def frozen_statistics(q):
    """What public code does: mean and scale of q(h2|h1) detached, and with them h1's path."""

    class Frozen(Above):
        def detach(self):
            return Frozen(lambda h1: self.network(h1).detach())

    return BottomUpPosterior(q.first, Frozen(q.above.network))


@pytest.mark.parametrize("wrap", [lambda q: q, frozen_statistics], ids=["weights", "statistics"])
def test_weights_frozen_give_an_unbiased_dreg_and_statistics_frozen_do_not(wrap):
    """Our notes on the bounds, section 3.3."""
    torch.manual_seed(0)
    x = X.repeat(100, 1)
    pairs = [doubly_reparameterised(x, wrap) for _ in range(200)]
    differences = torch.stack([dreg - plain for dreg, plain in pairs])
    if wrap is frozen_statistics:
        with pytest.raises(AssertionError, match="standard errors"):
            assert_zero_mean(differences, bound=10)
    else:
        assert_zero_mean(differences)


def test_mutual_information_of_the_first_level_is_that_of_both():
    """q(h2|h1) does not know x: it cancels in every single term."""
    x = MODEL.draw(40)
    with torch.no_grad():
        q = MODEL.vae.encoder(x)
        h2, h1 = (level[0] for level in q.rsample(1))
        each = joint(MODEL.vae.encoder, x)
        pairs = each.log_prob(torch.cat([h1, h2], -1)[:, None])  # [sample of i, posterior of j]
        expected = pairs.diagonal() - (pairs.logsumexp(1) - torch.log(torch.tensor(40.0)))
        assert_close(paired_information(q.first, h1), expected)


@pytest.mark.parametrize(("log_qz", "runs"), [("total", 1), ("path", 2), ("score", 2)])
def test_the_upper_network_runs_once_unless_a_part_of_the_derivative_goes(log_qz, runs):
    calls = []
    handle = MODEL.vae.encoder.above.register_forward_hook(lambda *_: calls.append(1))
    MODEL.vae.terms(X, MODEL.vae.encoder(X), 3, log_qz=log_qz)
    handle.remove()
    assert len(calls) == runs


def test_a_detached_posterior_leaves_phi_alone_and_its_own_module_as_it_was():
    still = MODEL.vae.encoder(X).detach()
    z = still.rsample(2)
    assert not any(level.requires_grad for level in (*z, still.log_prob(z), *still.means()))
    assert all(p.requires_grad for p in MODEL.vae.encoder.parameters())
    assert_close(still.detach().log_prob(z), still.log_prob(z), rtol=0, atol=0)


def test_log_q_is_the_two_normals():
    q = MODEL.vae.encoder(X)
    h2, h1 = (level.detach() for level in q.rsample(2))
    up = MODEL.vae.encoder.above(h1)
    first = Normal(q.first.mean, (q.first.log_var / 2).exp()).log_prob(h1).sum(-1)
    second = Normal(up.mean, (up.log_var / 2).exp()).log_prob(h2).sum(-1)
    assert_close(q.log_prob((h2, h1)), first + second)

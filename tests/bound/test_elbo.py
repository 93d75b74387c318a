"""The ELBO: numbers by hand, closed forms on a linear-Gaussian model, its gradient estimators."""

import itertools

import pytest
import torch
from torch.distributions import Normal
from torch.testing import assert_close

from tests.laws.components import LinearGaussian, assert_zero_mean, build
from vaelab.bound.elbo import Elbo
from vaelab.errors import UserError
from vaelab.model import VAE, Terms
from vaelab.posterior import GaussianPosterior
from vaelab.prior.standard import Standard
from vaelab.traits import Trait

TOY = LinearGaussian()


def elbo(**settings):
    return build("bound", "elbo", **settings)


def model(encoder):
    return VAE(encoder, TOY.decoder(), Standard(2)).double()


def terms_of(bound, vae, x=TOY.x):
    return vae.terms(
        x, vae.encoder(x), bound.num_samples, log_qz=bound.log_qz, analytic_kl=bound.analytic_kl
    )


def hand_terms(kl=None):
    """K = 2 samples of B = 2 examples."""
    log_px = torch.tensor([[-10.0, -20.0], [-12.0, -22.0]], requires_grad=True)
    log_pz = torch.tensor([[-3.0, -1.0], [-4.0, -2.0]], requires_grad=True)
    log_qz = torch.tensor([[-1.0, -0.5], [-1.0, 0.5]], requires_grad=True)
    return Terms((torch.zeros(2, 2, 3),), log_px, log_pz, log_qz, kl)


def test_sampled_kl_by_hand():
    # Reconstructions -11, -21; KL (2 + 3) / 2 = 2.5 and (0.5 + 2.5) / 2 = 1.5.
    objective = elbo(num_samples=2)(hand_terms(), 0.5)
    assert objective.value.tolist() == [-13.5, -22.5]
    assert float(objective.phi_loss.detach()) == pytest.approx(16 + 0.5 * 2.0)
    assert objective.phi_loss is objective.theta_loss


def test_analytic_kl_by_hand():
    kl = torch.tensor([[0.25, 0.5, 1.0], [0.0, 0.0, 0.5]])
    objective = elbo(num_samples=2, kl="analytic")(hand_terms(kl), 0.5)
    assert objective.value.tolist() == [-12.75, -21.5]
    assert float(objective.phi_loss.detach()) == pytest.approx(16 + 0.5 * 1.125)


@pytest.mark.parametrize("kind", ["sampled", "analytic"])
def test_free_bits_by_hand(kind):
    # Means over the batch .125, .25, .75: the first two count as .5, whatever one example has.
    kl = torch.tensor([[0.25, 0.5, 1.0], [0.0, 0.0, 0.5]], requires_grad=True)
    objective = elbo(num_samples=2, kl=kind, free_bits=0.5)(hand_terms(kl), 0.1)
    assert float(objective.phi_loss.detach()) == pytest.approx(16 + 0.1 * (0.5 + 0.5 + 0.75))
    (gradient,) = torch.autograd.grad(objective.phi_loss, kl)
    assert gradient.tolist() == [[0, 0, pytest.approx(0.05)], [0, 0, pytest.approx(0.05)]]
    without = elbo(num_samples=2, kl=kind)(hand_terms(kl), 0.1)
    assert_close(objective.value, without.value)  # the logged value never contains them


KL = [[0.25, 0.5, 1.0], [0.0, 0.0, 0.5]]


@pytest.mark.parametrize(
    ("of", "penalty", "counted"),
    [
        # Below .4 a divergence counts as .4 (an example_dimension), below 1 as 1 (the others).
        ("example_dimension", (0.4 + 0.5 + 1.0 + 0.4 + 0.4 + 0.5) / 2, [[0, 1, 1], [0, 0, 1]]),
        ("example", (1.75 + 1.0) / 2, [[1, 1, 1], [0, 0, 0]]),
        ("batch", 2.25 / 2, [[1, 1, 1], [1, 1, 1]]),
    ],
)
def test_free_bits_of_others_by_hand(of, penalty, counted):
    kl = torch.tensor(KL, requires_grad=True)
    least = 0.4 if of == "example_dimension" else 1.0
    bound = elbo(num_samples=2, free_bits=least, free_bits_of=of)
    objective = bound(hand_terms(kl), 0.1)
    assert float(objective.phi_loss.detach()) == pytest.approx(16 + 0.1 * penalty)
    (gradient,) = torch.autograd.grad(objective.phi_loss, kl)
    # What counts has the divergence's own gradient, as with the mask of Li et al.; what does not
    # has none.
    assert_close(gradient, 0.1 * torch.tensor(counted).float() / 2)


def test_free_bits_of_the_batch_stop_all_gradients_at_once():
    kl = torch.tensor(KL, requires_grad=True)
    objective = elbo(num_samples=2, free_bits=1.2, free_bits_of="batch")(hand_terms(kl), 0.1)
    assert float(objective.phi_loss.detach()) == pytest.approx(16 + 0.1 * 1.2)
    assert torch.autograd.grad(objective.phi_loss, kl)[0].tolist() == [[0.0] * 3] * 2


def test_free_bits_stop_the_gradient_of_the_dimensions_below_them_only():
    vae = model(TOY.wrong_encoder())
    with torch.no_grad():  # dimension 0 carries hardly anything, dimension 1 much
        vae.encoder.weight[0] *= 0.01
        vae.encoder.bias[0] = 0.0
        vae.encoder.log_var[0] = -0.01
        vae.encoder.log_var[1] = -3.0
    bound = elbo(free_bits=0.2)
    terms = terms_of(bound, vae)
    average = terms.kl.mean(0).tolist()
    assert average[0] < 0.1
    assert average[1] > 1
    with_bits = bound(terms, 1.0).phi_loss
    penalty = torch.autograd.grad(with_bits + terms.log_px.mean(), vae.encoder.log_var)[0]
    assert float(penalty[0]) == 0
    # d KL / d log_var = (e^log_var - 1) / 2.
    assert float(penalty[1]) == pytest.approx((float(torch.tensor(-3.0).exp()) - 1) / 2)


def closed_form(vae):
    """ELBO = log p(x) - KL(q || p(z|x))."""
    return TOY.log_p - TOY.kl_to_exact(vae.encoder(TOY.x).first)


@pytest.mark.parametrize("kind", ["sampled", "analytic"])
@pytest.mark.parametrize("num_samples", [1, 5])
def test_the_value_has_the_closed_form_as_its_mean(kind, num_samples):
    torch.manual_seed(0)
    vae = model(TOY.wrong_encoder())
    bound = elbo(kl=kind, num_samples=num_samples)
    count = 20_000
    with torch.no_grad():
        x = TOY.x.repeat(count, 1)
        value = bound(terms_of(bound, vae, x), 1.0).value.view(count, 3)
    assert_zero_mean(value - closed_form(vae))
    assert bool((closed_form(vae) < TOY.log_p - 0.05).all())


def test_sampled_and_analytic_kl_agree_in_expectation_on_the_same_noise():
    torch.manual_seed(0)
    vae = model(TOY.wrong_encoder())
    with torch.no_grad():
        x = TOY.x.repeat(20_000, 1)
        terms = vae.terms(x, vae.encoder(x), 1, analytic_kl=True)
        sampled = elbo()(terms, 1.0).value
        analytic = elbo(kl="analytic")(terms, 1.0).value
        assert_zero_mean((sampled - analytic).view(-1, 3))
    q = vae.encoder(TOY.x).first
    expected = torch.distributions.kl_divergence(
        Normal(q.mean, torch.exp(q.log_var / 2)), Normal(0.0, 1.0)
    )
    assert_close(terms.kl[:3], expected.detach(), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("kind", "free_bits", "beta"),
    [*itertools.product(["sampled", "analytic"], [0.0, 0.3], [1.0, 0.4]), ("sampled", 0.0, 0.0)],
)
def test_gradients_are_finite_differences_on_fixed_noise(kind, free_bits, beta):
    vae = model(TOY.wrong_encoder())
    bound = elbo(kl=kind, free_bits=free_bits, num_samples=2)

    def loss():
        torch.manual_seed(3)
        return bound(terms_of(bound, vae), beta).phi_loss

    parameters = [p for p in vae.parameters() if p.requires_grad]
    gradients = torch.autograd.grad(loss(), parameters)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        flat = parameter.detach().view(-1)
        for i in range(flat.numel()):
            kept = float(flat[i])
            values = []
            for moved in (kept + 1e-6, kept - 1e-6):
                flat[i] = moved
                values.append(float(loss().detach()))
            flat[i] = kept
            slope = (values[0] - values[1]) / 2e-6
            assert float(gradient.view(-1)[i]) == pytest.approx(slope, abs=1e-7)


def test_beta_zero_drops_the_kl_and_beta_scales_it():
    vae = model(TOY.wrong_encoder())
    bound = elbo()
    terms = terms_of(bound, vae)
    phi = list(vae.encoder.parameters())

    def gradient(loss):
        return torch.cat([g.flatten() for g in torch.autograd.grad(loss, phi, retain_graph=True)])

    none = -terms.log_px.mean(0).sum() / 3  # log_var acts on log p(x|z) through z
    assert_close(gradient(bound(terms, 0.0).phi_loss), gradient(none))
    slope = gradient((terms.log_qz - terms.log_pz).mean())
    assert_close(gradient(bound(terms, 0.7).phi_loss), gradient(none) + 0.7 * slope)


def posterior_gradients(log_qz, encoder, count):
    """Gradients [count, 3, 4] of one sample's loss to each example's mean and log-variance."""
    x = TOY.x.repeat(count, 1)
    leaves = [
        v.detach().clone().requires_grad_()
        for v in (encoder(x).first.mean, encoder(x).first.log_var)
    ]
    bound = elbo(log_qz=log_qz)
    terms = model(encoder).terms(x, GaussianPosterior(*leaves), 1, log_qz=bound.log_qz)
    loss = bound(terms, 1.0).phi_loss * len(x)  # undoes the mean over the batch
    return torch.cat(torch.autograd.grad(loss, leaves), -1).view(count, 3, 4)


def test_the_path_gradient_is_zero_for_every_sample_at_the_true_posterior_and_total_is_not():
    torch.manual_seed(0)
    encoder = TOY.exact_encoder()
    assert float(posterior_gradients("path", encoder, 50).abs().max()) < 1e-12
    total = posterior_gradients("total", encoder, 20_000)
    assert float(total.abs().max()) > 1
    assert_zero_mean(total)


@pytest.mark.parametrize("log_qz", ["total", "path"])
def test_both_gradients_have_that_of_the_closed_form_as_their_mean(log_qz):
    torch.manual_seed(0)
    encoder = TOY.wrong_encoder()
    q, exact = encoder(TOY.x).first, TOY.exact_encoder()(TOY.x).first
    leaves = [q.mean.detach().requires_grad_(), q.log_var.detach().clone().requires_grad_()]
    kl = torch.distributions.kl_divergence(
        Normal(leaves[0], torch.exp(leaves[1] / 2)),
        Normal(exact.mean.detach(), torch.exp(exact.log_var.detach() / 2)),
    )
    expected = torch.cat(torch.autograd.grad(kl.sum(), leaves), -1)
    assert float(expected.abs().min()) > 0.01
    assert_zero_mean(posterior_gradients(log_qz, encoder, 20_000) - expected)


def test_a_closed_form_is_needed_only_where_it_is_used():
    assert elbo().needs == frozenset()
    assert not elbo().analytic_kl
    for settings in ({"kl": "analytic"}, {"free_bits": 0.1}):
        bound = elbo(**settings)
        assert bound.analytic_kl
        assert bound.needs == {Trait.ANALYTIC_KL, Trait.LOCAL_POSTERIOR}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_samples": 0}, r"bound\.num_samples=0: must be at least 1"),
        ({"free_bits": -0.5}, r"bound\.free_bits=-0\.5: must be 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        elbo(**settings)


@pytest.mark.parametrize("settings", [{"kl": "analytic"}, {"free_bits": 0.5}])
def test_the_path_derivative_has_no_meaning_with_a_closed_form(settings):
    arguments = {"num_samples": 1, "kl": "sampled", "free_bits": 0.0, "log_qz": "path"} | settings
    with pytest.raises(UserError, match=r"bound.log_qz=path .* choose bound.log_qz=total"):
        Elbo(**arguments)

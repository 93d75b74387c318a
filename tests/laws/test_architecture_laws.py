"""Laws of every architecture: [K, B] log-weights, examples apart from each other, gradients."""

import copy
import math

import pytest
import torch
from torch.testing import assert_close

from tests.laws.components import (
    TOY_TEXT,
    assert_zero_mean,
    build,
    data_for,
    options,
    read,
    scramble,
)
from vaelab.dataset.base import Split
from vaelab.model import VAE
from vaelab.posterior import Posterior
from vaelab.prior.standard import Standard
from vaelab.traits import Trait

SMALL = {"latent_dim": 3, "latent_dims": [3, 2], "hidden": [7, 5], "width": 7, "channels": 4}
SMALL |= {
    "hidden_above": [6, 4],
    "encoder_hidden": [6, 4],
    "encoder_channels": 4,
    "kernels": [5, 3, 3, 3],
}
LOWEST_ALONE = ("tanh_hvae",)  # p(x|z) is given the lowest level and no other
SMALL_OF = {"lstm_lm": {"hidden": 7}}  # one network, and so one width
ARCHITECTURES = pytest.mark.parametrize("option", options("architecture"))


def has_encoder(option):
    cls, _ = read("architecture", option)
    return Trait.ENCODER in cls.offers


ENCODED = [option for option in options("architecture") if has_encoder(option)]
WITH_LATENTS = pytest.mark.parametrize("option", ENCODED)
LATENT_FREE = [option for option in options("architecture") if option not in ENCODED]


def model(option, **overrides):
    """(VAE in float64 and evaluation mode, architecture, a function that draws x)."""
    shape, likelihood, draw = data_for(option)
    provided = {"shape": shape, "likelihood": likelihood, "dataset": TOY_TEXT}
    sizes = {**SMALL, **SMALL_OF.get(option, {}), **overrides}
    architecture = build("architecture", option, provided, **sizes)
    prior = Standard(architecture.latent_dims[0])
    vae = VAE(architecture.encoder, architecture.decoder, prior).double()
    scramble(vae, 0.1)
    return vae.eval(), architecture, draw


@ARCHITECTURES
@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("batch", [1, 3])
def test_shapes(option, samples, batch):
    vae, architecture, draw = model(option)
    x = draw(batch)
    q = vae.encoder(x)
    assert isinstance(q, Posterior)
    terms = vae.terms(x, q, samples)
    for density in (terms.log_px, terms.log_pz, terms.log_qz):
        assert density.shape == (samples, batch)
    dims = architecture.latent_dims
    assert [level.shape for level in terms.z] == [(samples, batch, d) for d in dims]
    assert [mean.shape for mean in q.means()] == [(batch, d) for d in dims]
    assert q.first.mean.shape == q.first.log_var.shape == (batch, dims[q.first_level])
    p = vae.decoder(terms.z)
    if p.mean is not None:
        assert p.mean.shape == (samples, batch, *x.shape[1:])
    if not vae.decoder.autoregressive:
        assert p.sample().shape == (samples, batch, *x.shape[1:])


@ARCHITECTURES
def test_an_example_does_not_see_the_others(option):
    vae, _, draw = model(option)
    x = draw(3)
    changed = torch.cat([draw(1), x[1:2], draw(1)])
    weights = []
    for batch in (x, changed):
        torch.manual_seed(1)
        weights.append(vae.terms(batch, vae.encoder(batch), 2).log_w().detach())
    assert_close(weights[0][:, 1], weights[1][:, 1], rtol=1e-10, atol=1e-10)
    for other in (0, 2):  # and the change was one that matters
        assert float((weights[0] - weights[1])[:, other].abs().min()) > 1e-3


@WITH_LATENTS
def test_log_px_of_a_sample_depends_on_that_sample_only(option):
    vae, _, draw = model(option)
    x = draw(3)
    z = [level.detach().requires_grad_() for level in vae.encoder(x).rsample(2)]
    if option in LOWEST_ALONE:
        z[:-1] = [level.detach() for level in z[:-1]]
    log_px = vae.decoder(tuple(z)).log_prob(x)
    for gradient in torch.autograd.grad(log_px[1, 2], [one for one in z if one.requires_grad]):
        own = gradient[1, 2].clone()
        gradient[1, 2] = 0
        assert float(gradient.abs().max()) == 0
        assert float(own.abs().max()) > 0


@WITH_LATENTS
def test_samples_of_an_example_differ_and_average_to_its_mean(option):
    vae, _, draw = model(option)
    q = vae.encoder(draw(1))
    with torch.no_grad():
        first = q.rsample(4000)[q.first_level][:, 0]
    assert len(first.unique(dim=0)) == 4000
    z = (first.mean(0) - q.first.mean[0]) / (first.std(0) / math.sqrt(4000))
    assert float(z.detach().abs().max()) < 4.5
    assert_close(q.means()[q.first_level], q.first.mean, rtol=0, atol=0)


@WITH_LATENTS
def test_means_of_every_level_average_to_the_mean_of_its_samples(option):
    vae, _, draw = model(option)
    with torch.no_grad():
        q = vae.encoder(draw(2))
        samples = q.rsample(4000)
        means = [
            torch.stack(level) for level in zip(*(q.means() for _ in range(1000)), strict=True)
        ]
    for many, drawn in zip(means, samples, strict=True):
        error = (drawn.var(0) / len(drawn) + many.var(0) / len(many)).sqrt()
        assert float(((many.mean(0) - drawn.mean(0)) / error).abs().max()) < 4.5


@WITH_LATENTS
def test_detach_keeps_the_density_and_its_gradient_to_z(option):
    vae, _, draw = model(option)
    q = vae.encoder(draw(2))
    z = tuple(level.detach().requires_grad_() for level in q.rsample(3))
    phi = list(vae.encoder.parameters())
    live, still = q.log_prob(z), q.detach().log_prob(z)
    assert_close(live, still, rtol=0, atol=0)
    expected = torch.autograd.grad(live.sum(), z, retain_graph=True)
    assert_close(torch.autograd.grad(still.sum(), z, retain_graph=True), expected)
    found = torch.autograd.grad(still.sum(), phi, allow_unused=True) if still.requires_grad else []
    assert all(gradient is None for gradient in found)
    assert any(g is not None for g in torch.autograd.grad(live.sum(), phi, allow_unused=True))


@WITH_LATENTS
def test_the_sampler_s_own_tensors_and_copies_have_one_density_and_one_gradient(option):
    """What a posterior remembers of its last samples must be what it would compute of copies."""
    vae, _, draw = model(option)
    q = vae.encoder(draw(2))
    z = q.rsample(3)
    phi = list(vae.encoder.parameters())
    copies = tuple(level.view_as(level) for level in z)
    own, again = q.log_prob(z), q.log_prob(copies)
    assert_close(own, again, rtol=0, atol=0)
    gradients = [torch.autograd.grad(d.sum(), phi, retain_graph=True) for d in (own, again)]
    assert_close(*gradients)


@WITH_LATENTS
def test_samples_follow_the_density(option):
    """Then, and only then, the score d log q(z|x) / d phi has mean zero at fixed z ~ q."""
    vae, _, draw = model(option)
    x, phi = draw(2), list(vae.encoder.parameters())
    directions = [[torch.randn_like(p) for p in phi] for _ in range(5)]
    slopes = []
    for _ in range(200):
        q = vae.encoder(x)
        z = tuple(level.detach() for level in q.rsample(20))
        score = torch.autograd.grad(q.log_prob(z).sum(), phi)
        pairs = [zip(score, direction, strict=True) for direction in directions]
        slopes.append(torch.stack([sum((s * d).sum() for s, d in pair) for pair in pairs]))
    assert_zero_mean(torch.stack(slopes))


@WITH_LATENTS
def test_lower_levels_are_drawn_from_what_is_above_the_same_sample_only(option):
    vae, architecture, draw = model(option)
    z = vae.encoder(draw(3)).rsample(2)
    for level in range(1, len(architecture.latent_dims)):
        above = tuple(one.detach().requires_grad_() for one in z[:level])
        p = vae.decoder.lower(above)
        assert p.mean.shape == p.log_var.shape == z[level].shape
        for gradient in torch.autograd.grad(p.log_prob(z[level])[1, 2], above):
            own = gradient[1, 2].clone()
            gradient[1, 2] = 0
            assert float(gradient.abs().max()) == 0
            assert float(own.abs().max()) > 0


@ARCHITECTURES
def test_every_parameter_is_trained_and_is_phi_or_theta(option):
    vae, architecture, draw = model(option)
    x = draw(20)
    (-vae.terms(x, vae.encoder(x), 2).log_w().sum()).backward()
    for name, parameter in vae.named_parameters():
        assert parameter.grad is not None, name
        assert float(parameter.grad.abs().max()) > 0, name
    groups = vae.parameter_groups()
    assert {id(p) for p in groups["phi"]} == {id(p) for p in architecture.encoder.parameters()}
    assert {id(p) for p in groups["theta"]} == {id(p) for p in architecture.decoder.parameters()}


@ARCHITECTURES
def test_the_encoder_gradient_of_the_log_weight_is_a_finite_difference(option):
    vae, _, draw = model(option)
    x = draw(3)

    def log_weight():
        torch.manual_seed(2)
        return vae.terms(x, vae.encoder(x), 2).log_w().sum()

    for part in (vae.encoder, vae.decoder) if has_encoder(option) else (vae.decoder,):
        parameters = list(part.parameters())
        direction = [torch.randn_like(p) for p in parameters]
        gradients = torch.autograd.grad(log_weight(), parameters)
        slope = sum(float((g * d).sum()) for g, d in zip(gradients, direction, strict=True))
        values = []
        for sign in (1, -1):
            moved = copy.deepcopy(part.state_dict())
            with torch.no_grad():
                for p, d in zip(parameters, direction, strict=True):
                    p.add_(sign * 1e-6 * d)
                values.append(float(log_weight()))
            part.load_state_dict(moved)
        assert slope == pytest.approx((values[0] - values[1]) / 2e-6, rel=1e-5)
        assert abs(slope) > 1e-2


@WITH_LATENTS
def test_a_local_posterior_is_one_level_of_per_example_numbers(option):
    vae, architecture, draw = model(option)
    local = Trait.LOCAL_POSTERIOR in architecture.offers
    assert Trait.ENCODER in architecture.offers
    if local:
        assert len(architecture.latent_dims) == 1
        q = vae.encoder(draw(2))
        (z,) = q.rsample(3)
        assert_close(q.log_prob((z,)), q.first.log_prob(z), rtol=0, atol=0)


@WITH_LATENTS
def test_top_first_is_offered_where_the_top_level_is_drawn_first(option):
    vae, architecture, draw = model(option)
    assert (vae.encoder(draw(2)).first_level == 0) == (Trait.TOP_POSTERIOR in architecture.offers)


@ARCHITECTURES
def test_preparing_draws_no_noise_and_changes_the_decoder_alone(option):
    shape, likelihood, draw = data_for(option)
    provided = {"shape": shape, "likelihood": likelihood, "dataset": TOY_TEXT}
    architecture = build("architecture", option, provided, **{**SMALL, **SMALL_OF.get(option, {})})
    before = copy.deepcopy(architecture.encoder.state_dict())
    train = Split(draw(30))
    state = torch.get_rng_state()
    architecture.prepare(train)
    assert torch.equal(torch.get_rng_state(), state)
    for name, value in architecture.encoder.state_dict().items():
        assert torch.equal(value, before[name]), name


@pytest.mark.parametrize("option", LATENT_FREE)
def test_without_a_latent_every_log_weight_is_log_px(option):
    vae, architecture, draw = model(option)
    x = draw(3)
    q = vae.encoder(x)
    assert architecture.latent_dims == (0,)
    assert vae.decoder.exact
    assert not list(vae.encoder.parameters())
    assert not architecture.offers & {Trait.LOCAL_POSTERIOR, Trait.TOP_POSTERIOR}
    terms = vae.terms(x, q, 2, analytic_kl=True)
    assert terms.kl.shape == (3, 0)
    assert_close(terms.log_w(), terms.log_px, rtol=0, atol=0)
    assert_close(terms.log_px[0], terms.log_px[1])

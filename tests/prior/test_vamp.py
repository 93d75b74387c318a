"""VampPrior against the facts of its paper and its authors' code."""

import math

import pytest
import torch
from torch.distributions import Normal
from torch.testing import assert_close

from tests.laws.components import ToyData, build, options, scramble
from vaelab.architecture.mlp import Mlp
from vaelab.dataset.base import Binarised, Split
from vaelab.errors import UserError
from vaelab.likelihood.bernoulli import Bernoulli
from vaelab.model import VAE
from vaelab.prior.vamp import Vamp
from vaelab.traits import Trait

SHAPE = (1, 4, 4)


def vamp(data=None, option="vamp", **settings):
    data = data or ToyData(SHAPE)
    return build("prior", option, {"shape": data.shape, "dataset": data}, **settings)


def model(prior, latent_dim=3):
    architecture = Mlp(SHAPE, Bernoulli(None), latent_dim, [6], "default")
    scramble(architecture.encoder, 0.5)
    return VAE(architecture.encoder, architecture.decoder, prior).double()


@pytest.mark.parametrize(
    ("settings", "mean", "std"),
    [({}, 0.05, 0.01), ({"mean": 0.4}, 0.4, 0.01), ({"std": 0.3}, 0.05, 0.3)],
)
def test_pseudo_inputs_start_with_the_data_sets_mean_and_std_unless_told(settings, mean, std):
    torch.manual_seed(0)
    data = ToyData(SHAPE)
    data.pseudo_inputs = (0.05, 0.01)  # MNIST's in the authors' code
    u = vamp(data, components=2000, **settings).u.detach().double()
    assert u.shape == (2000, *SHAPE)
    count = u.numel()
    assert float(u.mean()) == pytest.approx(mean, abs=4.5 * std / math.sqrt(count))
    assert float(u.std()) == pytest.approx(std, rel=4.5 / math.sqrt(2 * count))


def test_a_pass_over_the_linear_layers_leaves_them_alone():
    # Quirk 27 of the notes: derived code re-drew its pseudo-inputs by initialising every layer.
    prior = vamp(components=50)
    before = prior.u.detach().clone()
    Mlp(SHAPE, Bernoulli(None), 3, [6], "he")
    assert torch.equal(prior.u, before)
    assert not any(isinstance(module, torch.nn.Linear) for module in prior.modules())


@pytest.mark.parametrize("offers", [(Trait.BINARY,), (Trait.UNIT_INTERVAL,), ()])
def test_pseudo_inputs_are_clamped_to_the_unit_interval_where_data_lie_there(offers):
    torch.manual_seed(0)
    prior = vamp(ToyData(SHAPE, offers), components=100, mean=0.5, std=1.0)
    raw, seen = prior.u.detach(), prior.pseudo_inputs().detach()
    assert float(raw.min()) < -1
    assert float(raw.max()) > 2
    if offers:
        assert_close(seen, raw.maximum(torch.zeros(())).minimum(torch.ones(())), rtol=0, atol=0)
    else:
        assert_close(seen, raw, rtol=0, atol=0)


def test_an_entry_outside_the_unit_interval_has_no_gradient():
    torch.manual_seed(0)
    prior = vamp(components=20, mean=0.5, std=1.0)
    vae = model(prior)
    prior(vae.encoder).log_prob(torch.randn(5, 3, dtype=torch.float64)).sum().backward()
    outside = (prior.u < 0) | (prior.u > 1)
    assert bool(outside.any())
    assert bool((~outside).any())
    assert float(prior.u.grad[outside].abs().max()) == 0
    assert float(prior.u.grad[~outside].abs().min()) > 0


def test_one_pseudo_input_equal_to_x_makes_the_sampled_kl_zero():
    torch.manual_seed(0)
    prior = vamp(components=1)
    vae = model(prior)
    x = torch.rand(1, *SHAPE, dtype=torch.float64)
    with torch.no_grad():
        prior.u.copy_(x)
    terms = vae.terms(x, vae.encoder(x), 7)
    assert_close(terms.log_pz, terms.log_qz, rtol=0, atol=1e-12)
    assert float(terms.log_qz.detach().std()) > 0.1


def test_density_is_the_log_of_the_mean_of_torchs_densities():
    torch.manual_seed(0)
    prior = vamp(components=9, mean=0.5, std=0.4)
    vae = model(prior)
    z = torch.randn(4, 5, 3, dtype=torch.float64)
    q = vae.encoder(prior.u.clamp(0, 1)).first
    each = Normal(q.mean, torch.exp(q.log_var / 2)).log_prob(z[..., None, :]).sum(-1)
    assert_close(prior(vae.encoder).log_prob(z), each.exp().mean(-1).log(), rtol=0, atol=1e-10)


def test_gradient_to_the_encoder_through_the_prior_is_the_brute_force_ones():
    torch.manual_seed(0)
    prior = vamp(components=4)
    vae = model(prior)
    z = torch.randn(5, 3, dtype=torch.float64)
    leaves = [*vae.encoder.parameters(), prior.u]
    ours = torch.autograd.grad(prior(vae.encoder).log_prob(z).sum(), leaves)
    q = vae.encoder(prior.u).first
    each = Normal(q.mean, torch.exp(q.log_var / 2)).log_prob(z[:, None]).sum(-1)
    theirs = torch.autograd.grad(each.exp().mean(-1).log().sum(), leaves)
    for mine, reference in zip(ours, theirs, strict=True):
        assert float(reference.abs().max()) > 0
        assert_close(mine, reference, rtol=0, atol=1e-10)


def rows(x):
    return [tuple(row.tolist()) for row in x.flatten(1)]


def test_vamp_data_takes_distinct_training_rows_and_keeps_them():
    torch.manual_seed(0)
    train = torch.rand(30, *SHAPE)
    prior = vamp(ToyData(SHAPE, train=train), option="vamp_data", components=30)
    prior.prepare(Split(train))
    assert sorted(rows(prior.u)) == sorted(rows(train))  # all 30: each once
    assert rows(prior.u) != rows(train)  # in an order of its own
    assert not prior.u.requires_grad
    vae = model(prior)
    assert id(prior.u) not in {id(p) for p in vae.parameter_groups()["theta"]}
    assert "u" in prior.state_dict()


def test_the_rows_are_drawn_by_the_global_seed():
    train = torch.rand(30, *SHAPE)
    chosen = []
    for seed in (1, 1, 2):
        prior = vamp(option="vamp_data", components=5)
        torch.manual_seed(seed)
        prior.prepare(Split(train))
        chosen.append(rows(prior.u))
    assert len(set(chosen[0])) == 5
    assert chosen[0] == chosen[1]
    assert set(chosen[0]) != set(chosen[2])


def test_rows_of_a_binarised_split_are_binarised_once():
    torch.manual_seed(0)
    grey = torch.randint(20, 235, (30, *SHAPE), dtype=torch.uint8)
    prior = vamp(option="vamp_data", components=20)
    prior.prepare(Split(grey, Binarised(255.0)))
    assert set(prior.u.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(prior.pseudo_inputs(), prior.pseudo_inputs())
    # At the ends of the interval the clamp must not cost the gradient, or none would ever move.
    learned = vamp(option="vamp", init="data", components=20)
    learned.prepare(Split(grey, Binarised(255.0)))
    learned.pseudo_inputs().sum().backward()
    assert bool((learned.u.grad == 1).all())


def test_examples_take_noise_of_the_given_std():
    torch.manual_seed(0)
    train = torch.full((500, *SHAPE), 0.25)
    prior = vamp(option="vamp_data", components=400, std=0.01, trainable=True)
    prior.prepare(Split(train))
    noise = (prior.u.detach() - 0.25).double()
    count = noise.numel()
    assert float(noise.mean()) == pytest.approx(0, abs=4.5 * 0.01 / math.sqrt(count))
    assert float(noise.std()) == pytest.approx(0.01, rel=4.5 / math.sqrt(2 * count))
    assert prior.u.requires_grad


def test_preparing_noise_changes_nothing():
    prior = vamp(components=5)
    before = prior.u.detach().clone()
    prior.prepare(Split(torch.rand(30, *SHAPE)))
    assert torch.equal(prior.u, before)


def test_more_components_than_examples_are_refused():
    prior = vamp(option="vamp_data", components=31)
    with pytest.raises(UserError, match=r"prior\.components=31.* only 30 .*prior\.components=30"):
        prior.prepare(Split(torch.rand(30, *SHAPE)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"components": 0}, r"prior\.components=0: must be at least 1"),
        ({"init": "data", "mean": 0.5}, r"prior\.mean=0\.5: has no meaning with prior\.init=data"),
    ],
)
def test_settings_without_meaning_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        vamp(**settings)


@pytest.mark.parametrize("option", [name for name in options("prior") if "vamp" in name])
def test_the_yaml_has_the_papers_500_components(option):
    prior = vamp(option=option)
    assert isinstance(prior, Vamp)
    assert prior.u.shape == (500, *SHAPE)
    assert prior.encoder_rows == 500

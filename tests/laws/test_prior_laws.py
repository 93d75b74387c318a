"""Laws of every prior: a normalised density, sampled as it is evaluated, whose gradients arrive."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from tests.laws.components import ToyData, assert_zero_mean, build, options, scramble
from vaelab.architecture.mlp import Mlp
from vaelab.dataset.base import Split
from vaelab.likelihood.bernoulli import Bernoulli
from vaelab.model import VAE
from vaelab.posterior import GaussianPosterior
from vaelab.traits import Trait

COMPONENTS = 12
PRIORS = pytest.mark.parametrize("option", options("prior"))
DIMS = pytest.mark.parametrize("latent_dim", [1, 2])


def prior_and_encoder(option, latent_dim):
    """A prior off its initial values, in float64, with components that differ from each other."""
    train = torch.rand(40, 1, 4, 4).round()
    data = ToyData(train=train)
    architecture = Mlp(data.shape, Bernoulli(None), latent_dim, [6], "default")
    scramble(architecture.encoder, 0.8)
    provided = {"dataset": data, "shape": data.shape, "latent_dim": latent_dim}
    prior = build("prior", option, provided, components=COMPONENTS)
    prior.prepare(Split(train))
    scramble(prior, 0.2)
    return prior.double(), VAE(architecture.encoder, architecture.decoder, prior).double()


def grid(draws):
    """Points [N, D] of a lattice that covers the draws by a margin, and a cell's volume."""
    step = 0.02 if draws.shape[1] == 1 else 0.04
    low, high = draws.min(0).values - 4, draws.max(0).values + 4
    axes = [torch.arange(a, b, step, dtype=draws.dtype) for a, b in zip(low, high, strict=True)]
    return torch.cartesian_prod(*axes).view(-1, len(axes)), step ** len(axes)


@PRIORS
@DIMS
def test_density_integrates_to_one_and_samples_follow_it(option, latent_dim):
    prior, vae = prior_and_encoder(option, latent_dim)
    with torch.no_grad():
        density = prior(vae.encoder)
        draws = density.sample(100_000)
        points, volume = grid(draws)
        mass = density.log_prob(points).exp() * volume
    assert draws.shape == (100_000, latent_dim)
    assert float(mass.sum()) == pytest.approx(1, abs=1e-6)
    for of in (
        lambda z: z,
        lambda z: z.square(),
        lambda z: torch.sin(2 * z),
        lambda z: torch.cos(3 * z),
        lambda z: z.prod(-1, keepdim=True),
        lambda z: torch.cos(2 * z.sum(-1, keepdim=True)),
        lambda z: (z.sum(-1, keepdim=True) > 0).to(z.dtype),
    ):
        expected = (mass[:, None] * of(points)).sum(0)
        # A jump is integrated by cells: its error is far below the sampling error of 2e-3.
        assert_zero_mean(of(draws) - expected)


@PRIORS
def test_density_takes_any_batch_and_the_same_row_has_the_same_value(option):
    prior, vae = prior_and_encoder(option, 2)
    z = torch.randn(3, 5, 2, dtype=torch.float64)
    density = prior(vae.encoder)
    together = density.log_prob(z)
    assert together.shape == (3, 5)
    alone = torch.stack([torch.stack([density.log_prob(row) for row in rows]) for rows in z])
    assert_close(together, alone)


@PRIORS
def test_double_is_the_same_density_with_more_digits(option):
    prior, vae = prior_and_encoder(option, 2)
    z = torch.randn(50, 2, dtype=torch.float64)
    exact = prior(vae.encoder).log_prob(z)
    vae.float()
    single = prior(vae.encoder)
    assert single.log_prob(z.float()).dtype == torch.float32
    assert_close(single.log_prob(z.float()).double(), exact, rtol=0, atol=1e-3)
    assert single.double().log_prob(z).dtype == torch.float64
    assert_close(single.double().log_prob(z), exact, rtol=0, atol=1e-4)  # the encoder was float32


@PRIORS
def test_gradients_reach_every_trainable_parameter_and_no_others(option):
    prior, vae = prior_and_encoder(option, 2)
    z = torch.randn(20, 2, dtype=torch.float64)
    loss = -prior(vae.encoder).log_prob(z).sum()
    uses_encoder = Trait.ENCODER in prior.needs
    if loss.requires_grad:
        loss.backward()
    for name, parameter in prior.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, name
            flat = parameter.grad.flatten(1)
            assert bool((flat != 0).any(-1).all()), f"{name}: a component without a gradient"
        else:
            assert parameter.grad is None, name
    reached = [name for name, p in vae.encoder.named_parameters() if p.grad is not None]
    expected = [name for name, _ in vae.encoder.named_parameters()] if uses_encoder else []
    assert reached == expected
    for name in reached:
        assert float(vae.encoder.get_parameter(name).grad.abs().sum()) > 0, name


@PRIORS
def test_its_parameters_are_theta(option):
    prior, vae = prior_and_encoder(option, 2)
    groups = {name: {id(p) for p in params} for name, params in vae.parameter_groups().items()}
    own = {id(p) for p in prior.parameters() if p.requires_grad}
    assert own <= groups["theta"]
    assert not {id(p) for p in prior.parameters()} & {id(p) for p in vae.encoder.parameters()}
    frozen = {id(p) for p in vae.parameters() if not p.requires_grad}
    assert not frozen & (groups["phi"] | groups["theta"])


@PRIORS
def test_encoder_rows_is_what_it_sends_through_the_encoder(option):
    prior, vae = prior_and_encoder(option, 2)
    rows = []
    vae.encoder.register_forward_hook(lambda _module, args, _output: rows.append(len(args[0])))
    prior(vae.encoder)
    assert sum(rows) == prior.encoder_rows
    assert (Trait.ENCODER in prior.needs) == bool(rows)


@PRIORS
def test_the_state_dict_is_the_whole_prior(option):
    prior, vae = prior_and_encoder(option, 2)
    other, _ = prior_and_encoder(option, 2)  # other draws of everything
    z = torch.randn(5, 2, dtype=torch.float64)
    other.load_state_dict(prior.state_dict())
    assert_close(other(vae.encoder).log_prob(z), prior(vae.encoder).log_prob(z), rtol=0, atol=0)


@PRIORS
def test_analytic_kl_is_the_integral_or_is_refused(option):
    prior, vae = prior_and_encoder(option, 1)
    mean = torch.tensor([[0.7], [-1.5], [0.0]], dtype=torch.float64)
    log_var = torch.tensor([[-1.0], [0.5], [0.0]], dtype=torch.float64)
    q = GaussianPosterior(mean, log_var).first
    if Trait.ANALYTIC_KL not in prior.offers:
        with pytest.raises(TypeError, match=type(prior).__name__):
            prior.analytic_kl(q)
        return
    kl = prior.analytic_kl(q)
    assert kl.shape == (3, 1)
    z = torch.arange(-15, 15, 0.01, dtype=torch.float64)[:, None, None].expand(-1, 3, 1)
    log_q = q.log_prob(z)
    integral = (log_q.exp() * (log_q - prior(vae.encoder).log_prob(z))).sum(0) * 0.01
    assert_close(kl.sum(-1), integral, rtol=0, atol=1e-8)


@PRIORS
def test_pseudo_inputs_are_what_the_encoder_sees(option):
    prior, vae = prior_and_encoder(option, 2)
    pictures = prior.pseudo_inputs()
    seen = []
    vae.encoder.register_forward_hook(lambda _module, args, _output: seen.append(args[0]))
    prior(vae.encoder)
    if pictures is None:
        assert not seen
    else:
        assert_close(pictures, seen[0], rtol=0, atol=0)


@PRIORS
def test_its_device_and_type_follow_the_module(option):
    prior, vae = prior_and_encoder(option, 2)
    assert isinstance(prior, nn.Module)
    for dtype in (torch.float32, torch.float64):
        vae.to(dtype)
        assert prior(vae.encoder).sample(2).dtype == dtype


def test_the_laws_see_components_that_differ():
    prior, vae = prior_and_encoder("vamp", 2)
    with torch.no_grad():
        mixture = prior(vae.encoder)
    assert float(mixture.mean.std(0).min()) > 0.1
    assert float(mixture.log_var.std(0).min()) > 0.1
    assert len(mixture) == COMPONENTS

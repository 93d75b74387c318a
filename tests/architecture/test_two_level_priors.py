"""Priors on the top of two levels: identities between them (our notes on VampPrior, section 10)."""

import math

import pytest
import torch
from torch.distributions import Independent, Normal
from torch.testing import assert_close

from tests.architecture.published import architecture
from tests.laws.components import ToyData, build
from vaelab.model import VAE

SHAPE = (1, 8, 8)
TWO_LEVELS = pytest.mark.parametrize("option", ["hvae", "conv_hvae"])


def model(option, prior, **settings):
    torch.manual_seed(0)
    built = architecture(option, SHAPE, latent_dims=[3, 2], width=6, channels=4)
    provided = {"shape": SHAPE, "dataset": ToyData(SHAPE), "latent_dim": built.latent_dims[0]}
    made = build("prior", prior, provided, **settings)
    return VAE(built.encoder, built.decoder, made).double()


def images(n):
    return torch.rand(n, *SHAPE, dtype=torch.float64).round()


@TWO_LEVELS
def test_vamp_of_one_pseudo_input_that_is_x_makes_the_top_kl_zero(option):
    vae, x = model(option, "vamp", components=1), images(1)
    vae.prior.u.data.copy_(x)
    q = vae.encoder(x)
    terms = vae.terms(x, q, 5)
    z2, z1 = terms.z
    lower = q.lower(z2).log_prob(z1) - vae.decoder.lower((z2,)).log_prob(z1)
    assert_close(terms.log_qz - terms.log_pz, lower)
    assert float(lower.detach().abs().min()) > 1e-3


@TWO_LEVELS
def test_vamp_is_torch_s_mixture_of_the_top_posteriors(option):
    vae = model(option, "vamp", components=4, init="noise", mean=0.5, std=0.4)
    q = vae.encoder(vae.prior.pseudo_inputs()).first
    z = torch.randn(7, 3, dtype=torch.float64)
    components = Independent(Normal(q.mean, torch.exp(q.log_var / 2)), 1)
    expected = components.log_prob(z[:, None]).logsumexp(-1) - math.log(4)
    assert_close(vae.prior(vae.encoder).log_prob(z), expected, rtol=0, atol=1e-10)


@TWO_LEVELS
def test_a_mixture_of_one_standard_component_is_the_standard_prior(option):
    standard = model(option, "standard")
    mog = model(option, "mog", components=1, spread=0.0, log_var=0.0)
    mog.load_state_dict(standard.state_dict(), strict=False)
    x, found = images(3), []
    for vae in (standard, mog):
        torch.manual_seed(1)
        found.append(vae.terms(x, vae.encoder(x), 2).log_w())
    assert_close(found[0], found[1], rtol=0, atol=1e-10)

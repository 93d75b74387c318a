"""The MLPs for vectors against their layers written out, and against an exact posterior."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from tests.architecture.published import architecture
from tests.laws.components import build
from vaelab.architecture.vector_mlp import LOG_VAR
from vaelab.build import build as build_parts
from vaelab.composing.compose import Composer
from vaelab.composing.validate import validate
from vaelab.dataset.linear_gaussian import LinearGaussian
from vaelab.errors import UserError
from vaelab.likelihood.gaussian import Gaussian
from vaelab.model import VAE
from vaelab.prior.standard import Standard
from vaelab.sweeps.plan import container

ACTIVATIONS = {"leaky_relu": lambda h: F.leaky_relu(h, 0.1), "relu": F.relu, "tanh": torch.tanh}


def made(scale=0.5, shape=(3,), **settings):
    provided = {"shape": shape, "likelihood": Gaussian(scale)}
    built = build("architecture", "vector_mlp", provided, **settings)
    built.encoder.double(), built.decoder.double()
    return built


def by_hand(network, h, activation):
    *hidden, last = [part for part in network if isinstance(part, torch.nn.Linear)]
    for layer in hidden:
        h = ACTIVATIONS[activation](h @ layer.weight.T + layer.bias)
    return h @ last.weight.T + last.bias


def test_it_is_what_the_notes_trained():
    """Three layers of 50, one latent: section 9."""
    built = made(shape=(2,))
    assert built.latent_dims == (1,)
    widths = [
        [tuple(p.shape) for p in side.parameters()] for side in (built.encoder, built.decoder)
    ]
    layers = [(50, 50), (50,), (50, 50), (50,), (2, 50), (2,)]
    assert widths == [[(50, 2), (50,), *layers], [(50, 1), (50,), *layers]]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("output", ["identity", "cube"])
@pytest.mark.parametrize("scale", [0.5, None])
def test_every_density_is_the_layers_written_out(activation, output, scale):
    torch.manual_seed(0)
    settings = {"activation": activation, "output": output, "latent_dim": 2}
    built = made(scale, hidden=[5, 4], encoder_hidden=[6], **settings)
    x = 3 * torch.randn(4, 3, dtype=torch.float64)
    q = built.encoder(x)
    mean, log_var = by_hand(built.encoder.network, x, activation).split(2, 1)
    assert_close(q.first.mean, mean)
    assert_close(q.first.log_var, log_var)

    (z,) = q.rsample(7)
    p = built.decoder((z,))
    params = by_hand(built.decoder.network, z, activation)
    mean = params[..., :3] ** 3 if output == "cube" else params[..., :3]
    assert_close(p.mean, mean)
    log_scale = params[..., 3:] if scale is None else torch.tensor(0.5).double().log()
    exact = torch.distributions.Normal(mean, log_scale.exp()).log_prob(x).sum(-1)
    assert_close(p.log_prob(x), exact)


def test_without_hidden_layers_both_sides_are_linear():
    built = made(hidden=[], encoder_hidden=[])
    a, b = torch.randn(2, 1, 5, 1, dtype=torch.float64)
    middle = built.decoder(((a + b) / 2,)).mean
    assert_close(middle, (built.decoder((a,)).mean + built.decoder((b,)).mean) / 2)
    assert len(list(built.decoder.parameters())) == len(list(built.encoder.parameters())) == 2


def test_a_triangular_decoder_uses_and_trains_the_lower_triangle_alone():
    built = made(shape=(2,), latent_dim=2, hidden=[], triangular=True)
    (layer,) = built.decoder.network
    z = torch.randn(1, 5, 2, dtype=torch.float64)
    (a, _), (b, c) = layer.weight
    by_hand = torch.stack([a * z[..., 0], b * z[..., 0] + c * z[..., 1]], -1) + layer.bias
    mean = built.decoder((z,)).mean
    assert_close(mean, by_hand)
    (gradient,) = torch.autograd.grad(mean.square().sum(), layer.weight)
    assert (gradient == 0).tolist() == [[False, True], [False, False]]


@pytest.mark.parametrize("sigma", [1.0, 1e-3])
def test_a_linear_one_can_be_the_exact_posterior_and_its_bound_the_likelihood(sigma):
    """Noise of variance 1e-6 leaves the log-variance inside its range."""
    torch.manual_seed(0)
    data = LinearGaussian(dim=4, latent_dim=1, sigma=sigma)
    built = made(sigma, (4,), hidden=[], encoder_hidden=[])
    exact = data.posterior(torch.cat([torch.zeros(1, 4), torch.eye(4)]).double())
    (encoder,), (decoder,) = built.encoder.network, built.decoder.network
    with torch.no_grad():
        decoder.weight.copy_(data.weight)
        decoder.bias.copy_(data.mean)
        encoder.weight.zero_()[:1] = (exact.mean[1:] - exact.mean[:1]).T
        encoder.bias.copy_(torch.stack([exact.mean[0, 0], exact.covariance[0, 0].log()]))
    vae = VAE(built.encoder, built.decoder, Standard(1))
    x = data.load().test.x[:20].double()
    log_w = vae.terms(x, vae.encoder(x), 3).log_w()
    assert_close(log_w, data.log_marginal(x).expand(3, -1), rtol=1e-8, atol=1e-7)


def test_the_log_variance_ends_where_float32_does():
    built = made(encoder_hidden=[])
    (head,) = built.encoder.network
    with torch.no_grad():
        head.weight.zero_()
    x = torch.randn(2, 3, dtype=torch.float64)
    for bias, expected, slope in ((-23.0, -23.0, 2.0), (-40.0, -24.0, 0.0), (9.0, 4.0, 0.0)):
        with torch.no_grad():
            head.bias.fill_(bias)
        log_var = built.encoder(x).first.log_var
        assert torch.equal(log_var, torch.full_like(log_var, expected))
        (gradient,) = torch.autograd.grad(log_var.sum(), head.bias)
        assert gradient.tolist() == [0.0, slope]
    scale = torch.tensor(LOG_VAR[0] / 2).exp()  # of a sample near 1
    assert scale > 40 * torch.finfo(torch.float32).eps


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"latent_dim": 0}, "architecture.latent_dim=0: must be at least 1"),
        ({"hidden": [5, 0]}, r"architecture.hidden=\[5, 0\]: needs whole numbers"),
        ({"encoder_hidden": [-1]}, r"architecture.encoder_hidden=\[-1\]: needs whole numbers"),
    ],
)
def test_sizes_below_one_are_refused(settings, words):
    with pytest.raises(UserError, match=words):
        architecture("vector_mlp", (3,), "gaussian", **settings)


def test_images_are_refused():
    cell = Composer().cells(["architecture=vector_mlp", "dataset=digits"])[0]
    with pytest.raises(UserError, match=r"^architecture=vector_mlp .*needs vector data"):
        build_parts(validate(container(cell)))

"""IWAE's network of two stochastic layers against the notes' sizes (section 7.1)."""

import pytest
import torch
from torch.testing import assert_close

from tests.architecture.published import architecture, count, model
from tests.laws.components import read
from vaelab.errors import UserError


def test_sizes_are_the_papers():
    _, arguments = read("architecture", "tanh_hvae")
    sizes = {"latent_dims": [50, 100], "hidden": [200, 200], "hidden_above": [100, 100]}
    assert arguments == sizes
    encoder = (784 + 1) * 200 + (200 + 1) * 200 + 2 * (200 + 1) * 100
    encoder += (100 + 1) * 100 + (100 + 1) * 100 + 2 * (100 + 1) * 50
    decoder = (50 + 1) * 100 + (100 + 1) * 100 + 2 * (100 + 1) * 100
    decoder += (100 + 1) * 200 + (200 + 1) * 200 + (200 + 1) * 784
    assert count(model("tanh_hvae", (1, 28, 28), "bernoulli", "standard")) == encoder + decoder


def linear(layer, h):
    return h @ layer.weight.T + layer.bias


def tanh(stack, v):
    first, _, second, _ = stack
    return torch.tanh(linear(second, torch.tanh(linear(first, v))))


def assert_gaussian(found, network, v):
    h = tanh(network.hidden, v)
    assert_close(found.mean, linear(network.head.mean, h))
    assert_close(found.log_var, 2 * linear(network.head.log_scale, h))


def test_every_density_is_the_notes_layers():
    """x [4, 6], h1 [2, 4, 2], h2 [2, 4, 3]."""
    torch.manual_seed(0)
    sizes = {"latent_dims": [3, 2], "hidden": [5, 4], "hidden_above": [6, 7]}
    built = architecture("tanh_hvae", (1, 2, 3), **sizes)
    encoder, decoder = built.encoder.double(), built.decoder.double()
    assert [layer.out_features for layer in encoder.of_x.hidden[::2]] == [5, 4]
    assert [layer.out_features for layer in encoder.of_h1.hidden[::2]] == [6, 7]
    assert [layer.out_features for layer in decoder.prior.hidden[::2]] == [6, 7]
    assert [layer.out_features for layer in decoder.hidden[::2]] == [5, 4]
    x = torch.rand(4, 1, 2, 3, dtype=torch.float64)
    q = encoder(x)
    assert_gaussian(q.first, encoder.of_x, x.flatten(1))
    h2, h1 = q.rsample(2)
    assert_gaussian(q.above(h1), encoder.of_h1, h1)
    assert_gaussian(decoder.lower((h2,)), decoder.prior, h2)
    logits = linear(decoder.heads[0], tanh(decoder.hidden, h1)).view(2, 4, 1, 2, 3)
    assert_close(decoder((h2, h1)).mean, torch.sigmoid(logits))


@pytest.mark.parametrize(
    "settings", [{"latent_dims": [0, 3]}, {"hidden": []}, {"hidden_above": [100, 0]}]
)
def test_sizes_below_one_are_refused(settings):
    with pytest.raises(UserError, match=r"architecture\.latent_dims=\[.*hidden_above="):
        architecture("tanh_hvae", **settings)

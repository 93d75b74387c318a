"""IWAE's network of one stochastic layer against the notes' sizes (section 7.1)."""

import pytest
import torch
from torch.testing import assert_close

from tests.architecture.published import architecture, count, model
from tests.laws.components import read
from vaelab.errors import UserError


def test_sizes_are_the_papers():
    _, arguments = read("architecture", "tanh_mlp")
    assert arguments == {"latent_dim": 50, "hidden": [200, 200]}
    encoder = (784 + 1) * 200 + (200 + 1) * 200 + 2 * (200 + 1) * 50
    decoder = (50 + 1) * 200 + (200 + 1) * 200 + (200 + 1) * 784
    assert count(model("tanh_mlp", (1, 28, 28), "bernoulli", "standard")) == encoder + decoder


def linear(layer, h):
    return h @ layer.weight.T + layer.bias


def test_every_density_is_the_notes_layers():
    torch.manual_seed(0)
    built = architecture("tanh_mlp", (1, 2, 3), latent_dim=3, hidden=[5, 4])
    encoder, decoder = built.encoder.double(), built.decoder.double()
    x = torch.rand(4, 1, 2, 3, dtype=torch.float64)
    q = encoder(x)
    first, _, second, _ = encoder.network.hidden
    h = torch.tanh(linear(second, torch.tanh(linear(first, x.flatten(1)))))
    assert_close(q.first.mean, linear(encoder.network.head.mean, h))
    sigma = torch.exp(linear(encoder.network.head.log_scale, h))
    assert_close(q.first.log_var, 2 * sigma.log())

    (z,) = q.rsample(2)
    first, _, second, _ = decoder.hidden
    h = torch.tanh(linear(second, torch.tanh(linear(first, z))))
    logits = linear(decoder.heads[0], h).view(2, 4, 1, 2, 3)
    assert_close(decoder((z,)).mean, torch.sigmoid(logits))


@pytest.mark.parametrize("settings", [{"latent_dim": 0}, {"hidden": []}, {"hidden": [200, 0]}])
def test_sizes_below_one_are_refused(settings):
    with pytest.raises(UserError, match=r"architecture\.latent_dim=.*architecture\.hidden="):
        architecture("tanh_mlp", **settings)

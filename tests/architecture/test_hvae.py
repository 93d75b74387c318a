"""The two-level gated MLP against the facts of VampPrior's authors' code."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from tests.architecture.published import FREY, GREY, MNIST, architecture, count, model
from tests.laws.components import read
from vaelab.errors import UserError


# Section 2.5 of the notes, counted there on the authors' classes.
@pytest.mark.parametrize(
    ("shape", "likelihood", "prior", "components", "expected"),
    [
        (MNIST, "bernoulli", "standard", 0, 2_431_024),
        (MNIST, "bernoulli", "vamp", 500, 2_823_024),
        (MNIST, "bernoulli", "vamp", 1000, 3_215_024),
        (MNIST, "bernoulli", "mog", 500, 2_431_024 + 2 * 500 * 40),
        (MNIST, GREY, "standard", 0, 2_667_008),
        (MNIST, GREY, "vamp", 500, 3_059_008),
        (FREY, GREY, "standard", 0, 2_263_360),
        (FREY, GREY, "vamp", 500, 2_543_360),
    ],
)
def test_parameter_counts_are_the_authors(shape, likelihood, prior, components, expected):
    assert count(model("hvae", shape, likelihood, prior, components)) == expected


def test_the_yaml_is_the_papers():
    _, arguments = read("architecture", "hvae")
    assert arguments == {"latent_dims": [40, 40], "width": 300, "init": "he"}


def linear(layer, h):
    return h @ layer.weight.T + layer.bias


def gated(layer, h):
    return linear(layer.linear, h) / (1 + torch.exp(-linear(layer.gate, h)))


def small():
    torch.manual_seed(0)
    built = architecture("hvae", (1, 2, 3), latent_dims=[3, 2], width=5)
    return built.encoder.double(), built.decoder.double()


def test_every_density_is_the_table_s_layers():
    """Table 2.2, written out; x [4, 6], z2 [2, 4, 3], z1 [2, 4, 2]."""
    encoder, decoder = small()
    x = torch.rand(4, 1, 2, 3, dtype=torch.float64)
    q = encoder(x)
    h = gated(encoder.hidden[1], gated(encoder.hidden[0], x.flatten(1)))
    assert_close(q.first.mean, linear(encoder.head.mean, h))
    assert_close(q.first.log_var, linear(encoder.head.log_var, h).clamp(-6, 2))

    z2, z1 = q.rsample(2)
    a, b = gated(encoder.of_x, x.flatten(1)), gated(encoder.lower.of_z2, z2)
    h = gated(encoder.lower.joined, torch.cat([a.expand(2, 4, 5), b], -1))
    found = q.lower(z2)
    assert_close(found.mean, linear(encoder.lower.head.mean, h))
    assert_close(found.log_var, linear(encoder.lower.head.log_var, h).clamp(-6, 2))

    h = gated(decoder.prior.hidden[1], gated(decoder.prior.hidden[0], z2))
    found = decoder.lower((z2,))
    assert_close(found.mean, linear(decoder.prior.head.mean, h))
    assert_close(found.log_var, linear(decoder.prior.head.log_var, h).clamp(-6, 2))

    ab = torch.cat([gated(decoder.of_z1, z1), gated(decoder.of_z2, z2)], -1)  # z1 first
    logits = linear(decoder.heads[0], gated(decoder.joined, ab))
    assert_close(decoder((z2, z1)).mean, torch.sigmoid(logits).view(2, 4, 1, 2, 3))


def test_every_log_variance_is_clamped_to_minus_6_and_2():
    encoder, decoder = small()
    for head in (encoder.head, encoder.lower.head, decoder.prior.head):
        with torch.no_grad():
            head.log_var.weight.zero_()
            head.log_var.bias.copy_(torch.tensor([-100.0, 100.0, 1.5][: len(head.log_var.bias)]))
    q = encoder(torch.rand(2, 1, 2, 3, dtype=torch.float64))
    assert q.first.log_var[0].tolist() == [-6, 2, 1.5]
    z2, _ = q.rsample(1)
    assert q.lower(z2).log_var[0, 1].tolist() == [-6, 2]
    assert decoder.lower((z2,)).log_var[0, 1].tolist() == [-6, 2]


def test_he_s_variance_in_every_linear_weight():
    torch.manual_seed(0)
    built = architecture("hvae")
    layers = [m for part in (built.encoder, built.decoder) for m in part.modules()]
    layers = [layer for layer in layers if isinstance(layer, nn.Linear)]
    # Two branches in the 5 + 5 gated layers of either side, heads 4 and 2 + 1.
    assert len(layers) == 10 + 4 + 10 + 3
    for layer in layers:
        std, many = (2 / layer.in_features) ** 0.5, layer.weight.numel() ** 0.5
        assert float(layer.weight.detach().std()) == pytest.approx(std, rel=5 / many)
        assert float(layer.bias.detach().abs().max()) <= layer.in_features**-0.5


@pytest.mark.parametrize("settings", [{"latent_dims": [0, 3]}, {"width": 0}])
def test_sizes_below_one_are_refused(settings):
    with pytest.raises(UserError, match=r"architecture\.latent_dims=\[.*architecture\.width="):
        architecture("hvae", **settings)

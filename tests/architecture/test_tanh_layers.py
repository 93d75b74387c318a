"""What IWAE's networks share: their first weights, and the bias that starts at the data's mean."""

import math

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from tests.architecture.published import FREY, GREY, MNIST, architecture
from vaelab.architecture.tanh_layers import ScaleHead, training_mean
from vaelab.dataset.base import Binarised, Scaled, Split

OPTIONS = pytest.mark.parametrize("option", ["tanh_mlp", "tanh_hvae"])


def linear_layers(built):
    modules = [m for part in (built.encoder, built.decoder) for m in part.modules()]
    return [layer for layer in modules if isinstance(layer, nn.Linear)]


@OPTIONS
def test_weights_are_uniform_after_glorot_and_biases_zero(option):
    torch.manual_seed(0)
    layers = linear_layers(architecture(option))
    assert len(layers) == {"tanh_mlp": 4 + 3, "tanh_hvae": 4 + 4 + 4 + 3}[option]
    for layer in layers:
        limit, count = math.sqrt(6 / (layer.in_features + layer.out_features)), layer.weight.numel()
        scaled = layer.weight.detach() / limit  # U(-1, 1)
        assert float(scaled.abs().max()) <= 1
        assert float(scaled.abs().max()) > 1 - 20 / count
        assert float(scaled.mean()) == pytest.approx(0, abs=5 * math.sqrt(1 / 3 / count))
        assert float(scaled.square().mean()) == pytest.approx(1 / 3, abs=5 * 0.3 / math.sqrt(count))
        assert float(layer.bias.detach().abs().max()) == 0


def test_the_scale_is_the_exponential_of_a_linear_layer_without_a_clamp():
    head = ScaleHead(2, 3).double()
    with torch.no_grad():
        head.log_scale.weight.zero_()
        head.log_scale.bias.copy_(torch.tensor([-9.0, 0.5, 4.0]))
    q = head(torch.zeros(1, 2, dtype=torch.float64))
    assert_close((0.5 * q.log_var[0]).exp(), torch.tensor([-9, 0.5, 4], dtype=torch.float64).exp())


def binary(rows):
    """Four pixels of known frequency: never, a quarter, always, one of 2,000."""
    x = torch.zeros(rows, 1, 2, 2)
    x[: rows // 4, 0, 0, 1] = 1
    x[:, 0, 1, 0] = 1
    x[: rows // 2000, 0, 1, 1] = 1
    return x


@OPTIONS
def test_the_last_bias_starts_at_the_logit_of_the_clipped_mean(option):
    torch.manual_seed(0)
    built = architecture(option, (1, 2, 2))
    before = [layer.weight.clone() for layer in linear_layers(built)]
    built.prepare(Split(binary(24_000)))  # more rows than are averaged at a time
    odds = [0.001 / 0.999, 1 / 3, 999.0, 0.001 / 0.999]  # the last one's 1/2000 is clipped too
    expected = torch.tensor(odds, dtype=torch.float64).log().float()
    assert_close(built.decoder.heads[0].bias, expected)
    after = [layer.weight for layer in linear_layers(built)]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert sum(bool(layer.bias.any()) for layer in linear_layers(built)) == 1


def test_of_images_drawn_anew_it_is_the_mean_of_their_probabilities():
    grey = torch.tensor([0, 51, 255, 102], dtype=torch.uint8).view(2, 1, 1, 2)
    expected = torch.tensor([[[0.5, 0.3]]], dtype=torch.float64)
    for read in (Binarised(255.0), Scaled(255.0)):
        assert_close(training_mean(Split(grey, read)), expected, rtol=0, atol=1e-7)


@OPTIONS
@pytest.mark.parametrize(("shape", "likelihood"), [(FREY, GREY), (MNIST, "gaussian")])
def test_other_likelihoods_keep_a_bias_of_zero(option, shape, likelihood):
    built = architecture(option, shape, likelihood)
    built.prepare(Split(torch.rand(5, *shape)))
    assert not any(bool(head.bias.any()) for head in built.decoder.heads)

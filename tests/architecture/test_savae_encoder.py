"""SA-VAE's image encoder against the notes' layers."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from tests.laws.components import scramble
from vaelab.architecture.savae_encoder import SavaeEncoder

F64 = {"dtype": torch.float64}


def encoder(shape, latent_dim=3, channels=4):
    torch.manual_seed(0)
    return SavaeEncoder(shape, latent_dim, channels)


def normed(norm, h):
    scale = norm.weight / (norm.running_var + 1e-5).sqrt()
    moved = (h - norm.running_mean[:, None, None]) * scale[:, None, None]
    return moved + norm.bias[:, None, None]


def conv(layer, h, padding=0, stride=1):
    return F.conv2d(h, layer.weight, layer.bias, padding=padding, stride=stride)


@torch.no_grad()
@pytest.mark.parametrize(("shape", "left"), [((1, 28, 28), 9), ((3, 9, 14), 1), ((4, 8, 8), 1)])
def test_the_encoder_is_the_notes_layers(shape, left):
    net = encoder(shape).double()
    scramble(net, 0.3)
    for norm in net.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)
    x = torch.rand(2, *shape, **F64)
    h = x
    for number in range(3):
        block, halved = net.stages[2 * number], net.stages[2 * number + 1]
        inner = normed(block.first_norm, conv(block.first, h, 1)).clamp(min=0)
        inner = normed(block.second_norm, conv(block.second, inner, 1))
        # A skip has weights only where the width changes: in the first block, if at all.
        assert isinstance(block.skip, nn.Identity) == (h.shape[1] == 4)
        skip = h if h.shape[1] == 4 else conv(block.skip, h)
        h = conv(halved, (inner + skip).clamp(min=0), stride=2)
    assert h[0, 0].numel() == left
    out = h.flatten(1) @ net.head.weight.T + net.head.bias
    q = net.eval()(x).first
    assert_close((q.mean, q.log_var), (out[:, :3], out[:, 3:]))
    assert float((q.mean[0] - q.mean[1]).abs().max()) > 1e-2


def test_linear_weights_start_as_the_authors_and_the_rest_as_torch():
    net = encoder((1, 28, 28), 32, 64)
    std = math.sqrt(2 / 576)
    weight = net.head.weight.detach()
    assert weight.shape == (64, 576)
    assert float(weight.std()) == pytest.approx(std, rel=5 / math.sqrt(2 * weight.numel()))
    assert float(weight.abs().max()) > 3 * std  # normal, not uniform
    assert 0.9 / 24 < float(net.head.bias.detach().abs().max()) <= 1 / 24
    for one in net.modules():
        if isinstance(one, nn.Conv2d):
            bound = 1 / math.sqrt(one.weight[0].numel())
            assert 0.9 * bound < float(one.weight.detach().abs().max()) <= bound


def test_too_small_an_image_is_refused_in_words():
    with pytest.raises(ValueError, match=r"^needs images of at least 8x8, not 7x28$"):
        encoder((1, 7, 28))

"""The residual encoder against the notes' layers."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from tests.laws.components import scramble
from vaelab.architecture.resnet_encoder import ResnetEncoder

F64 = {"dtype": torch.float64}


def encoder(shape, latent_dim=3, channels=4, width=6):
    torch.manual_seed(0)
    return ResnetEncoder(shape, latent_dim, channels, width)


def normed(layer, h, **how):
    norm, h = layer.norm, F.conv2d(h, layer.conv.weight, **how)
    scale = norm.weight / (norm.running_var + 1e-5).sqrt()
    moved = (h - norm.running_mean[:, None, None]) * scale[:, None, None]
    return moved + norm.bias[:, None, None]


def elu(h):
    return torch.where(h > 0, h, torch.exp(h) - 1)


@torch.no_grad()
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 9, 14)])
def test_the_encoder_is_the_notes_layers(shape):
    net = encoder(shape).double()
    scramble(net, 0.3)
    for norm in net.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)
    x = torch.rand(2, *shape, **F64)
    h = x
    for block in net.blocks:
        inner = elu(normed(block.first, h, stride=2, padding=1))
        inner = normed(block.second, inner, padding=1)
        h = elu(inner + normed(block.shortcut, h, stride=2))
    last = elu(normed(net.last, h))
    assert last.shape == (2, 6, 1, 1)
    out = last.flatten(1) @ net.head.weight.T + net.head.bias
    q = net.eval()(x).first
    assert_close((q.mean, q.log_var), (out[:, :3], out[:, 3:]))
    assert float((q.mean[0] - q.mean[1]).abs().max()) > 1e-2


@pytest.mark.parametrize(
    ("size", "left"), [((28, 28), (4, 4)), ((14, 14), (2, 2)), ((8, 8), (1, 1)), ((28, 20), (4, 3))]
)
def test_the_last_convolution_covers_what_is_left(size, left):
    net = encoder((1, *size))
    assert net.last.conv.kernel_size == left
    assert net(torch.rand(2, 1, *size)).first.mean.shape == (2, 3)


def test_one_image_that_has_no_statistics_is_normalised_as_in_evaluation():
    """Of 8x8 one number a channel is left: the last batch of an epoch may be one image."""
    net, x = encoder((1, 8, 8)), torch.rand(5, 1, 8, 8)
    net(x)
    before = net.last.norm.running_mean.clone()
    assert torch.isfinite(net(x[:1]).first.mean).all()
    assert torch.equal(net.last.norm.running_mean, before)
    assert not torch.equal(net(x[:2]).first.mean, net.eval()(x[:2]).first.mean)
    assert not torch.equal(net.last.norm.running_mean, before)


def test_weights_start_as_the_authors():
    net = encoder((1, 28, 28), 32, 64, 512)
    convs = [module for module in net.modules() if isinstance(module, nn.Conv2d)]
    assert len(convs) == 10
    for conv in convs:
        weight = conv.weight.detach()
        outputs, _, rows, columns = weight.shape
        std = math.sqrt(2 / (rows * columns * outputs))
        tolerance = 5 / math.sqrt(2 * weight.numel())
        assert float(weight.std()) == pytest.approx(std, rel=tolerance)
        assert float(weight.abs().max()) > 2 * std  # normal, not uniform
    weight, limit = net.head.weight.detach(), math.sqrt(6 / (512 + 64))
    assert 0.99 * limit < float(weight.abs().max()) <= limit
    assert float(net.head.bias.detach().abs().max()) == 0

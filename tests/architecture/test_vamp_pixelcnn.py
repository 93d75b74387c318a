"""Masked convolutions and the PixelCNN: what a pixel sees, and that densities are normalised."""

import itertools
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from tests.laws.components import scramble
from vaelab.architecture import vamp_pixelcnn
from vaelab.architecture.autoregressive_images import AutoregressiveImages
from vaelab.architecture.masked_conv import MaskedConv2d
from vaelab.architecture.pixel_sampler import sample
from vaelab.architecture.vamp_pixelcnn import VampPixelcnn
from vaelab.likelihood.bernoulli import Bernoulli
from vaelab.likelihood.discretized_logistic import DiscretizedLogistic

F64 = {"dtype": torch.float64}
vamp_images = partial(AutoregressiveImages, sampler=sample)
BOTH = pytest.mark.parametrize("mask_maps", [True, False])


def network(colours=1, params=1, channels=8, layers=4, mask_maps=True, size=(6, 5)):
    """In float64 and evaluation mode, and a function that makes maps for n images.

    Its statistics are of noise, so that batch norm does something and signal passes every layer.
    """
    torch.manual_seed(0)
    net = VampPixelcnn(colours, 2, params, channels, layers, mask_maps)
    net.double().requires_grad_(False)
    scramble(net, 0.3)
    net.blocks[0].conv.weight[:, :colours] *= 3  # what is tested is what pixels see of each other
    for _ in range(40):
        net(torch.rand(50, colours, *size, **F64), torch.randn(50, 2, *size, **F64))
    return net.eval(), lambda n: torch.randn(n, 2, *size, **F64)


def seen(kernel, centre, unmasked, channel, inputs):
    """Offsets (row, column) of what an input channel shows."""
    reach = kernel // 2
    around = list(itertools.product(range(-reach, reach + 1), repeat=2))
    if channel >= inputs - unmasked:
        return around
    return [offset for offset in around if offset < (0, 0) or (centre and offset == (0, 0))]


@pytest.mark.parametrize("kernel", [3, 5, 7])
@pytest.mark.parametrize(("centre", "unmasked"), [(False, 0), (False, 2), (True, 0)])
def test_a_masked_convolution_is_a_sum_over_the_past(kernel, centre, unmasked):
    torch.manual_seed(0)
    reach = kernel // 2
    layer = MaskedConv2d(3, 2, kernel, centre, unmasked).double()
    x = torch.randn(2, 3, 4, 5, **F64)
    padded = F.pad(x, (reach, reach, reach, reach))
    expected = torch.zeros(2, 2, 4, 5, **F64)
    for channel in range(3):
        for i, j in seen(kernel, centre, unmasked, channel, 3):
            part = padded[:, channel, reach + i : reach + i + 4, reach + j : reach + j + 5]
            weight = layer.weight[:, channel, reach + i, reach + j]
            expected += part[:, None] * weight.view(2, 1, 1)
    assert_close(layer(x), expected)
    gradient = torch.autograd.grad(layer(x).square().sum(), layer.weight)[0]
    for channel in range(3):
        shown = [(reach + i, reach + j) for i, j in seen(kernel, centre, unmasked, channel, 3)]
        for position in itertools.product(range(kernel), repeat=2):
            size = float(gradient[:, channel, *position].abs().min())
            assert (size > 0) == (position in shown)


@BOTH
@pytest.mark.parametrize("colours", [1, 3])
def test_a_flipped_pixel_changes_only_later_pixels(colours, mask_maps):
    net, maps = network(colours, mask_maps=mask_maps)
    x, beside = torch.rand(1, colours, 6, 5, **F64).round(), maps(1)
    before = net(x, beside)
    for at in range(30):
        flipped = x.clone()
        flipped.flatten(2)[:, colours - 1, at] = 1 - flipped.flatten(2)[:, colours - 1, at]
        changed = (net(flipped, beside) - before).abs().flatten(3)[0, 0].amin(0)  # every colour
        assert float(changed[: at + 1].sum()) == 0
        assert at == 29 or float(changed[at + 1]) > 0 or (at + 1) % 5 == 0
        assert at >= 25 or float(changed[at + 5]) > 0  # the pixel below


def cone(layers):
    """Offsets that a pixel sees through so many layers, as the notes say for eight."""
    above = {(-i, j) for i in range(1, layers + 1) for j in range(-layers, i + 1)}
    return above | {(0, -j) for j in range(1, layers + 1)}


@BOTH
def test_the_receptive_field_is_the_papers(mask_maps):
    net = VampPixelcnn(1, 1, 1, 3, 8, mask_maps).double().eval()
    for parameter in net.parameters():
        parameter.data.abs_()  # no ReLU is off and nothing cancels
    x, maps = (torch.rand(1, 1, 21, 21, **F64).requires_grad_() for _ in range(2))
    found = torch.autograd.grad(net(x, maps)[0, 0, 0, 10, 10], (x, maps))
    offsets = [{(i - 10, j - 10) for i, j in g[0, 0].nonzero().tolist()} for g in found]
    assert offsets[0] == cone(8)
    assert len(offsets[0]) == 116
    if mask_maps:
        assert offsets[1] == cone(8)
    else:  # the seven layers after the first see the pixel and its cone; the first, all around
        steps = itertools.product((-1, 0, 1), repeat=2)
        below = cone(7) | {(0, 0)}
        assert offsets[1] == {(i + di, j + dj) for di, dj in steps for i, j in below}


@BOTH
def test_only_unmasked_maps_reach_the_first_pixel(mask_maps):
    net, maps = network(mask_maps=mask_maps)
    x = torch.rand(1, 1, 6, 5, **F64).expand(20, -1, -1, -1)
    params = net(x, maps(20))[:, 0, 0]
    assert float(params[:, 5, 4].std()) > 1e-2
    assert (float(params[:, 0, 0].std()) > 1e-2) == (not mask_maps)
    if mask_maps:
        assert float(params[:, 0, 0].std()) == 0


@pytest.mark.parametrize("training", [True, False])
def test_images_come_in_parts_only_where_they_do_not_see_each_other(training, monkeypatch):
    monkeypatch.setattr(vamp_pixelcnn, "CACHED", 4)
    net, maps = network()
    net.train(training)
    x, beside = torch.rand(10, 1, 6, 5, **F64), maps(10)
    norm = net.blocks[0].norm
    first = net.blocks[0].conv(torch.cat([x, beside], 1))
    expected = norm.running_mean + training * 0.1 * (first.mean((0, 2, 3)) - norm.running_mean)
    together = net(x, beside)
    assert_close(norm.running_mean, expected)
    alone = torch.cat([net(x[i : i + 1], beside[i : i + 1]) for i in range(10)])
    assert (float((alone - together).abs().max()) < 1e-12) == (not training)


def test_log_prob_of_every_sample_is_that_of_the_likelihood_pixel_by_pixel():
    """[K, B] = [3, 2], each pixel's parameters from a pass that holds only what is before it."""
    net, maps = network(3, 2)
    likelihood = DiscretizedLogistic(True, 0.0)
    x, beside = torch.rand(2, 3, 6, 5, **F64), maps(6).unflatten(0, (3, 2))
    expected = torch.zeros(3, 2, **F64)
    for i, j in itertools.product(range(6), range(5)):
        past = torch.zeros_like(x)
        past[:, :, :i] = x[:, :, :i]
        past[:, :, i, :j] = x[:, :, i, :j]
        for k in range(3):
            pixel = net(past, beside[k])[None, ..., i : i + 1, j : j + 1]
            here = x[..., i : i + 1, j : j + 1]
            expected[k] += likelihood(pixel).log_prob(here)[0]
    assert_close(vamp_images(net, beside, likelihood).log_prob(x), expected)


@BOTH
def test_probabilities_of_all_images_sum_to_one(mask_maps):
    net, maps = network(mask_maps=mask_maps, size=(2, 2))
    p = vamp_images(net, maps(2)[:, None].expand(-1, 16, -1, -1, -1), Bernoulli(None))
    every = torch.tensor(list(itertools.product((0.0, 1.0), repeat=4)), **F64).view(16, 1, 2, 2)
    probability = p.log_prob(every).exp()
    assert_close(probability.sum(1), torch.ones(2, **F64))
    # Not trivially: z matters, and the pixels are not independent of each other.
    assert float((probability[0] - probability[1]).abs().max()) > 0.01
    on = every.flatten(1)
    marginal = (probability @ on)[:, None]
    independent = (marginal * on + (1 - marginal) * (1 - on)).prod(-1)
    assert float((probability - independent).abs().amax(1).min()) > 0.01


@pytest.mark.parametrize(("params", "bias"), [(1, True), (2, False)])
def test_one_head_has_a_bias_and_two_have_none(params, bias):
    heads = VampPixelcnn(3, 2, params, 4, 2, True).heads
    assert [head.bias is not None for head in heads] == [bias] * params

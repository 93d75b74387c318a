"""The residual PixelCNN against the notes' layers, written out, and what a pixel sees."""

import itertools
import math
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from tests.laws.components import scramble
from vaelab.architecture import residual_pixelcnn
from vaelab.architecture.autoregressive_images import AutoregressiveImages
from vaelab.architecture.masked_conv import MaskedConv2d
from vaelab.architecture.residual_pixelcnn import ResidualPixelcnn, skip_connected
from vaelab.architecture.residual_sampler import sample
from vaelab.likelihood.bernoulli import Bernoulli

F64 = {"dtype": torch.float64}
KERNELS = [7] * 5 + [5] * 4 + [3] * 4
residual_images = partial(AutoregressiveImages, sampler=sample)


def network(colours=1, params=1, maps=2, kernels=KERNELS, size=(6, 5)):
    """In float64 and evaluation mode, and a function that makes maps for n images.

    Its statistics are of noise, so that batch norm does something and signal passes every layer.
    """
    torch.manual_seed(0)
    net = ResidualPixelcnn(colours, maps, params, 4, kernels).double().requires_grad_(False)
    scramble(net, 0.3)
    net.first.conv.weight[:, :colours] *= 3  # what is tested is what pixels see of each other
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0  # one pass is enough
    net(torch.rand(60, colours, *size, **F64), torch.randn(60, maps, *size, **F64))
    return net.eval(), lambda n: torch.randn(n, maps, *size, **F64)


def elu(h):
    return torch.where(h > 0, h, torch.exp(h) - 1)


def normed(layer, h, hidden=lambda i, j: False, unmasked=0):
    """A convolution as a sum over shifts, and batch norm in evaluation mode."""
    rows, columns = h.shape[-2:]
    reach = layer.conv.weight.shape[-1] // 2
    padded = F.pad(h, (reach, reach, reach, reach))
    total = 0.0
    for i, j in itertools.product(range(-reach, reach + 1), repeat=2):
        part = padded[..., reach + i : reach + i + rows, reach + j : reach + j + columns]
        weight = layer.conv.weight[:, :, reach + i, reach + j].clone()
        weight[:, : weight.shape[1] - unmasked] *= not hidden(i, j)
        total = total + torch.einsum("nchw,oc->nohw", part, weight)
    norm = layer.norm
    scale = norm.weight / (norm.running_var + 1e-5).sqrt()
    return (total - norm.running_mean[:, None, None]) * scale[:, None, None] + norm.bias[
        :, None, None
    ]


def bottleneck(block, h):
    inner = elu(normed(block.narrow, h))
    inner = elu(normed(block.masked, inner, lambda i, j: (i, j) > (0, 0)))
    return elu(h + normed(block.widen, inner))


@torch.no_grad()
@pytest.mark.parametrize("kernel", [3, 7])
def test_a_bottleneck_is_the_notes_layers(kernel):
    net, _ = network(kernels=[3, kernel])
    block = net.layers[0]
    h = torch.randn(2, 4, 6, 5, **F64)
    assert_close(block(h), bottleneck(block, h))
    assert float((block(h) - elu(h)).abs().max()) > 0.1


@torch.no_grad()
@pytest.mark.parametrize(("colours", "params"), [(1, 1), (3, 2)])
def test_the_network_is_the_notes_layers(colours, params):
    net, maps = network(colours, params)
    x, beside = torch.rand(2, colours, 6, 5, **F64), maps(2)
    first = normed(net.first, torch.cat([x, beside], 1), lambda i, j: (i, j) >= (0, 0), 2)
    o = [elu(first)]
    for i in range(1, 13):
        before = o[i - 1]
        if i >= 3:
            before = before + bottleneck(net.direct[i - 3], o[i - 3])
        o.append(bottleneck(net.layers[i - 1], before))
    assert (len(net.layers), len(net.direct)) == (12, 11)
    last = o[12] + bottleneck(net.direct[10], o[10])
    h = elu(normed(net.head, last))
    expected = torch.einsum("nchw,oc->nohw", h, net.out.weight[..., 0, 0])
    found = net(x, beside)
    assert found.shape == (2, params, colours, 6, 5)
    assert_close(found.flatten(1, 2), expected)


def test_layers_see_what_the_notes_say():
    """Outputs that tell what was added: layer i gives 10^i whatever it sees, D_k k + 2 times it."""
    seen = {}

    def layer(i):
        return lambda h: seen.setdefault(i, h) * 0 + 10.0**i

    first = torch.ones((), **F64)
    last = skip_connected(first, map(layer, range(1, 13)), [lambda h, k=k: h * (k + 2)
                                                            for k in range(11)])  # fmt: skip
    assert [seen[1], seen[2]] == [1, 10]
    for i in range(3, 13):  # o_{i-1} + D_{i-3}(o_{i-3})
        assert float(seen[i]) == 10.0 ** (i - 1) + (i - 1) * 10.0 ** (i - 3)
    assert float(last) == 10.0**12 + 12 * 10.0**10


def test_direct_connections_have_the_kernels_of_the_next_layers():
    net, _ = network()
    sizes = [block.masked.conv.weight.shape[-1] for block in (*net.layers, *net.direct)]
    assert sizes == [7] * 4 + [5] * 4 + [3] * 4 + [7] * 4 + [5] * 4 + [3] * 3


@pytest.mark.parametrize("colours", [1, 3])
def test_a_flipped_pixel_changes_only_later_pixels(colours):
    net, maps = network(colours)
    x, beside = torch.rand(1, colours, 6, 5, **F64).round(), maps(1)
    x, beside = x.expand(30, -1, -1, -1), beside.expand(30, -1, -1, -1)
    flipped = x.clone()
    for at in range(30):
        flipped[at].flatten(1)[colours - 1, at] = 1 - x[at].flatten(1)[colours - 1, at]
    changed = (net(flipped, beside) - net(x, beside)).abs().flatten(3)
    for at in range(30):
        here = changed[at, 0].amin(0)  # every colour
        assert float(changed[at, ..., : at + 1].sum()) == 0
        assert at % 5 == 4 or float(here[at + 1]) > 0
        assert at >= 25 or float(here[at + 5]) > 0  # the pixel below


def reached(kernels):
    """Offsets that a pixel sees of the image: through mask B, then mask A in the first layer."""
    found = {(0, 0)}
    for depth, kernel in enumerate(reversed(kernels), 1):
        span = range(-(kernel // 2), kernel // 2 + 1)
        steps = [s for s in itertools.product(span, repeat=2) if s < (0, depth < len(kernels))]
        found = {(i + a, j + b) for i, j in found for a, b in steps}
    return found


def positive(size, kernels=KERNELS, maps=1):
    """A network in which no ELU is flat and nothing cancels."""
    net = ResidualPixelcnn(1, maps, 1, 2, kernels).double().eval()
    for parameter in net.parameters():
        parameter.data.abs_()
    x, beside = (torch.rand(1, n, *size, **F64).requires_grad_() for n in (1, maps))
    return net(x, beside)[0, 0, 0], x, beside


@pytest.mark.parametrize("at", [(27, 27), (12, 5), (0, 3)])
def test_the_receptive_field_is_that_of_the_kernels(at):
    params, x, _ = positive((28, 28))
    (gradient,) = torch.autograd.grad(params[at], x)
    offsets = {(i - at[0], j - at[1]) for i, j in gradient[0, 0].nonzero().tolist()}
    inside = {(i, j) for i, j in reached(KERNELS) if 0 <= at[0] + i < 28 and 0 <= at[1] + j < 28}
    assert offsets == inside
    assert at != (27, 27) or (-27, -27) in offsets  # the last pixel sees the first


def test_every_pixel_sees_the_maps_around_it_the_first_too():
    params, _, maps = positive((9, 9), maps=3)
    for i, j in [(0, 0), (0, 8), (4, 4), (8, 8)]:
        (gradient,) = torch.autograd.grad(params[i, j], maps, retain_graph=True)
        around = gradient[0, :, max(0, i - 3) : i + 4, max(0, j - 3) : j + 4]
        assert float(around.abs().min()) > 0
    net, maps = network()
    first = net(torch.zeros(20, 1, 6, 5, **F64), maps(20))[:, 0, 0, 0, 0]
    assert float(first.std()) > 1e-2


def test_masked_weights_get_no_gradient():
    torch.manual_seed(0)
    net = ResidualPixelcnn(1, 2, 1, 4, KERNELS).double()
    net(torch.rand(3, 1, 6, 5, **F64), torch.randn(3, 2, 6, 5, **F64)).square().sum().backward()
    masked = [module for module in net.modules() if isinstance(module, MaskedConv2d)]
    assert len(masked) == 24
    for layer in masked:
        shown = layer.mask.expand_as(layer.weight).bool()
        assert float(layer.weight.grad[~shown].abs().max()) == 0
        assert float(layer.weight.grad[shown].abs().max()) > 0


@pytest.mark.parametrize("training", [True, False])
def test_images_come_in_parts_only_where_they_do_not_see_each_other(training, monkeypatch):
    net, maps = network()
    x, beside = torch.rand(10, 1, 6, 5, **F64), maps(10)
    together = net(x, beside)
    monkeypatch.setattr(residual_pixelcnn, "CACHED", 3 * 4 * 6 * 5)
    sizes, whole = [], net.parameters_of
    monkeypatch.setattr(net, "parameters_of", lambda part: sizes.append(len(part)) or whole(part))
    found = net.train(training)(x, beside)
    assert sizes == ([10] if training else [3, 3, 3, 1])
    assert training == (float((found - together).abs().max()) > 1e-3)


@torch.no_grad()
@pytest.mark.parametrize("maps", [2, 0])
def test_probabilities_of_all_images_sum_to_one(maps):
    net, draw = network(maps=maps, size=(3, 3))
    every = torch.tensor(list(itertools.product((0.0, 1.0), repeat=9)), **F64).view(512, 1, 3, 3)
    p = residual_images(net, draw(2)[:, None].expand(-1, 512, -1, -1, -1), Bernoulli(None))
    probability = p.log_prob(every).exp()
    assert_close(probability.sum(1), torch.ones(2, **F64))
    # Not trivially: z matters, and the pixels are not independent of each other.
    assert (float((probability[0] - probability[1]).abs().max()) > 1e-4) == (maps > 0)
    on = every.flatten(1)
    marginal = (probability @ on)[:, None]
    independent = (marginal * on + (1 - marginal) * (1 - on)).prod(-1)
    assert float((probability - independent).abs().amax(1).min()) > 1e-3


def test_weights_start_as_the_authors():
    torch.manual_seed(0)
    net = ResidualPixelcnn(1, 4, 1, 64, KERNELS)
    blocks = [*net.layers, *net.direct]
    convs = [net.first, *(one for b in blocks for one in (b.narrow, b.masked, b.widen))]
    for layer in convs:
        weight = layer.conv.weight.detach()
        outputs, _, k, _ = weight.shape
        std = math.sqrt(2 / (k * k * outputs))
        assert float(weight.std()) == pytest.approx(std, rel=5 / math.sqrt(2 * weight.numel()))
        assert float(weight.abs().max()) > 2.5 * std  # normal, not uniform
        assert bool((layer.norm.weight == 1).all())
        assert bool((layer.norm.bias == 0).all())
    for weight in (net.head.conv.weight, net.out.weight):  # torch's own, uniform up to 1/8
        assert 0.115 < float(weight.detach().abs().max()) <= 0.125

"""SA-VAE's gated PixelCNN against the notes' layers, written out, and what a pixel sees."""

import itertools
import math
from functools import partial

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from tests.laws.components import scramble
from vaelab.architecture import gated_stacks
from vaelab.architecture.autoregressive_images import AutoregressiveImages
from vaelab.architecture.gated_sampler import sample
from vaelab.architecture.gated_stacks import GatedStacks
from vaelab.likelihood.bernoulli import Bernoulli

F64 = {"dtype": torch.float64}
KERNELS = [9] * 3 + [7] * 3 + [5] * 3 + [3] * 3
gated_images = partial(AutoregressiveImages, sampler=sample)


def network(colours=1, params=1, maps=2, kernels=KERNELS, size=(6, 5), scale=0.1):
    """In float64, off its initial values, and a function that makes maps for n images."""
    torch.manual_seed(0)
    net = GatedStacks(colours, maps, params, 4, kernels).double().requires_grad_(False)
    scramble(net, scale)
    net.layers[0].horizontal.weight[:, :colours] *= 5  # what pixels see of each other
    return net, lambda n: torch.randn(n, maps, *size, **F64)


def naive(net, inputs):
    """One image's parameters, pixel by pixel and tap by tap, as section 3.2 says."""
    rows, columns = inputs.shape[1:]
    inside = list(itertools.product(range(rows), range(columns)))

    def taps(conv, stack, at, offsets):
        """Bias and weights times what is inside the image, for (row, column, offset) triples."""
        total = conv.bias.clone()
        for a, b, (down, right) in offsets:
            where = at[0] + down, at[1] + right
            if where in stack:
                total = total + conv.weight[:, :, a, b] @ stack[where]
        return total

    def gate(h):
        half = len(h) // 2
        return torch.tanh(h[:half]) / (1 + torch.exp(-h[half:]))

    v = h = {(i, j): inputs[:, i, j] for i, j in inside}
    for number, layer in enumerate(net.layers):
        p = layer.vertical.weight.shape[-1] // 2
        block = [(a, b, (a - p, b - p)) for a in range(p + 1) for b in range(2 * p + 1)]
        line = [(0, b, (0, b - p)) for b in range(p + 1)]
        nothing = torch.zeros(len(layer.vertical.bias), **F64)
        # Outputs stand one row lower; in the first layer the row's own one column further right.
        above = {(i, j): taps(layer.vertical, v, (i - 1, j), block) if i else nothing
                 for i, j in inside}  # fmt: skip
        shift = number == 0
        left = {(i, j): taps(layer.horizontal, h, (i, j - shift), line)
                if j >= shift else nothing for i, j in inside}  # fmt: skip
        found = {}
        for at in inside:
            across = layer.across.weight[..., 0, 0] @ above[at] + layer.across.bias
            out = layer.out.weight[..., 0, 0] @ gate(left[at] + across) + layer.out.bias
            found[at] = out if number == 0 else out + h[at]
        v, h = {at: gate(above[at]) for at in inside}, found
    head = {at: net.head.weight[..., 0, 0] @ h[at] + net.head.bias for at in inside}
    return torch.stack([head[at] for at in inside], dim=-1).unflatten(-1, (rows, columns))


@pytest.mark.parametrize(("colours", "params"), [(1, 1), (3, 2)])
def test_the_network_is_the_notes_layers(colours, params):
    net, maps = network(colours, params, kernels=[5, 3, 5], size=(5, 4))
    x, beside = torch.rand(2, colours, 5, 4, **F64), maps(2)
    found = net(x, beside)
    assert found.shape == (2, params, colours, 5, 4)
    expected = torch.stack([naive(net, one) for one in torch.cat([x, beside], dim=1)])
    assert_close(found.flatten(1, 2), expected)
    assert float(found.std()) > 1e-2


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


def test_the_first_pixel_sees_nothing_of_z_and_its_row_only_what_is_to_the_left():
    net, maps = network()
    x = torch.rand(1, 1, 6, 5, **F64)
    beside = maps(1).requires_grad_()
    params = net(x, beside)[0, 0, 0]
    for j in range(5):
        (gradient,) = torch.autograd.grad(params[0, j], beside, retain_graph=True)
        seen = gradient[0].abs().amin(0) > 0
        assert seen.nonzero().tolist() == [[0, left] for left in range(j)]
    (gradient,) = torch.autograd.grad(params[1, 0], beside)
    assert bool((gradient[0, :, 0].abs() > 0).all())
    assert float(gradient[0, :, 1:].abs().max()) == 0


def reached(kernels, at, size):
    """Pixels that one sees: through the row itself, and the rows above from every layer on."""
    inside = set(itertools.product(range(size[0]), range(size[1])))
    h, v = {at}, set()
    for depth, kernel in reversed(list(enumerate(kernels))):
        reach, shift = kernel // 2, depth == 0
        v = v | h  # every layer's vertical output crosses to the horizontal one's
        v = {
            (i - 1 - a, j + b)
            for i, j in v
            for a in range(reach + 1)
            for b in range(-reach, reach + 1)
        }
        h = {(i, j - shift - b) for i, j in h for b in range(reach + 1)}
        h, v = h & inside, v & inside
    return h | v


@pytest.mark.parametrize("at", [(27, 27), (12, 5), (0, 3)])
def test_there_is_no_blind_spot(at):
    """Weights are positive, so that nothing cancels."""
    net = GatedStacks(1, 0, 1, 2, KERNELS).double()
    for parameter in net.parameters():
        parameter.data.abs_()
    x = torch.rand(1, 1, 28, 28, **F64).requires_grad_()
    (gradient,) = torch.autograd.grad(net(x, x[:, :0])[0, 0, 0][at], x)
    found = {(i, j) for i, j in gradient[0, 0].nonzero().tolist()}
    assert found == reached(KERNELS, at, (28, 28))
    before = {(i, j) for i in range(28) for j in range(28) if (i, j) < at}
    assert found <= before
    # All to the left, whatever the row; the last pixel of the last row sees the whole image.
    assert {(i, j) for i, j in before if j <= at[1]} <= found
    assert at != (27, 27) or found == before


@pytest.mark.parametrize("maps", [2, 0])
def test_probabilities_of_all_images_sum_to_one(maps):
    net, draw = network(maps=maps, kernels=[3, 3, 3], size=(3, 3), scale=0.5)
    every = torch.tensor(list(itertools.product((0.0, 1.0), repeat=9)), **F64).view(512, 1, 3, 3)
    p = gated_images(net, draw(2)[:, None].expand(-1, 512, -1, -1, -1), Bernoulli(None))
    probability = p.log_prob(every).exp()
    assert_close(probability.sum(1), torch.ones(2, **F64))
    # Not trivially: z matters, and the pixels are not independent of each other.
    assert (float((probability[0] - probability[1]).abs().max()) > 1e-4) == (maps > 0)
    on = every.flatten(1)
    marginal = (probability @ on)[:, None]
    independent = (marginal * on + (1 - marginal) * (1 - on)).prod(-1)
    assert float((probability - independent).abs().amax(1).min()) > 1e-4


def test_images_come_in_parts(monkeypatch):
    net, maps = network(kernels=[3, 3])
    x, beside = torch.rand(10, 1, 6, 5, **F64), maps(10)
    together = net(x, beside)
    monkeypatch.setattr(gated_stacks, "HELD", 3 * 8 * 6 * 5)
    sizes, whole = [], net.parameters_of
    monkeypatch.setattr(net, "parameters_of", lambda part: sizes.append(len(part)) or whole(part))
    assert_close(net(x, beside), together)
    assert sizes == [3, 3, 3, 1]


def test_convolutions_start_as_torch_draws_them():
    torch.manual_seed(0)
    net = GatedStacks(1, 4, 1, 32, KERNELS)
    convs = [module for module in net.modules() if isinstance(module, nn.Conv2d)]
    assert len(convs) == 4 * 12 + 1
    for conv in convs:
        bound = 1 / math.sqrt(conv.weight[0].numel())
        for values in (conv.weight.detach(), conv.bias.detach()):
            assert float(values.abs().max()) <= bound
            few = values.numel() < 1000
            assert few or float(values.std()) == pytest.approx(bound / math.sqrt(3), rel=0.05)

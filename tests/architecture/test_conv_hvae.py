"""The two-level convolutional model against the facts of VampPrior's authors' code."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from tests.architecture.published import CIFAR, FREY, GREY, MNIST, architecture, count, model
from tests.laws.components import read
from vaelab.errors import UserError
from vaelab.traits import Trait


# Section 2.5 of the notes, counted there on the authors' classes.
@pytest.mark.parametrize(
    ("shape", "likelihood", "prior", "components", "expected"),
    [
        (MNIST, "bernoulli", "standard", 0, 2_210_861),
        (MNIST, "bernoulli", "vamp", 500, 2_602_861),
        (MNIST, "bernoulli", "vamp", 1000, 2_994_861),
        (MNIST, GREY, "standard", 0, 2_210_926),
        (MNIST, GREY, "vamp", 500, 2_602_926),
        (FREY, GREY, "standard", 0, 1_827_270),
        (FREY, GREY, "vamp", 500, 2_107_270),
    ],
)
def test_parameter_counts_are_the_authors(shape, likelihood, prior, components, expected):
    assert count(model("conv_hvae", shape, likelihood, prior, components)) == expected


@pytest.mark.parametrize(("shape", "flat"), [(MNIST, 294), (FREY, 210), (CIFAR, 384)])
def test_the_flattened_map_has_the_authors_size(shape, flat):
    encoder = architecture("conv_hvae", shape, GREY).encoder
    x = torch.rand(2, *shape)
    assert encoder.head.mean.in_features == flat
    assert encoder.convs(x).flatten(1).shape == encoder.convs_of_x(x).flatten(1).shape == (2, flat)


def test_the_yaml_is_the_papers():
    _, arguments = read("architecture", "conv_hvae")
    assert arguments == {"latent_dims": [40, 40], "channels": 64, "width": 300, "init": "he"}


def geometry(convs):
    """(output channels, kernel, stride, padding) of every layer; both branches agree."""
    found = []
    for layer in convs:
        for conv in (layer.linear, layer.gate):
            assert (conv.dilation, conv.groups, conv.padding_mode) == ((1, 1), 1, "zeros")
            assert conv.bias is not None
        both = {
            (c.out_channels, c.kernel_size, c.stride, c.padding) for c in (layer.linear, layer.gate)
        }
        ((out, kernel, stride, padding),) = both
        found.append((out, kernel[0], stride[0], padding[0]))
    return found


def test_layers_are_table_2_3():
    built = architecture("conv_hvae", CIFAR, GREY)
    encoder, decoder = built.encoder, built.decoder
    assert geometry(encoder.convs) == [
        (32, 7, 1, 3), (32, 3, 2, 1), (64, 5, 1, 2), (64, 3, 2, 1), (6, 3, 1, 1)
    ]  # fmt: skip
    assert geometry(encoder.convs_of_x) == [
        (32, 3, 1, 1), (32, 3, 2, 1), (64, 3, 1, 1), (64, 3, 2, 1), (6, 3, 1, 1)
    ]  # fmt: skip
    assert geometry(decoder.convs) == [(64, 3, 1, 1)] * 4
    heads = [(h.in_channels, h.out_channels, h.kernel_size) for h in decoder.heads]
    assert heads == [(64, 3, (1, 1))] * 2
    assert encoder.convs[0].linear.in_channels == decoder.convs[0].linear.in_channels == 3


def conv(layer, h):
    """A convolution as a sum over shifts of the padded image: no library convolution."""
    (pad, _), (stride, _), (size, _) = layer.padding, layer.stride, layer.kernel_size
    h = F.pad(h, (pad,) * 4)
    rows, columns = ((n - size) // stride + 1 for n in h.shape[-2:])
    total = layer.bias.view(-1, 1, 1)
    for i in range(size):
        for j in range(size):
            part = h[..., i : i + stride * rows : stride, j : j + stride * columns : stride]
            part = part[..., :rows, :columns]
            total = total + torch.einsum("nchw,oc->nohw", part, layer.weight[:, :, i, j])
    return total


def linear(layer, h):
    return h @ layer.weight.T + layer.bias


def gated(layer, h, apply=linear):
    return apply(layer.linear, h) / (1 + torch.exp(-apply(layer.gate, h)))


def gated_convs(layers, h):
    for layer in layers:
        h = gated(layer, h, conv)
    return h


@pytest.mark.parametrize("shape", [(1, 9, 6), (3, 8, 8)])
def test_every_density_is_the_table_s_layers(shape):
    torch.manual_seed(0)
    settings = {"latent_dims": [3, 2], "channels": 4, "width": 5}
    built = architecture("conv_hvae", shape, GREY, **settings)
    encoder, decoder = built.encoder.double(), built.decoder.double()
    x = torch.rand(4, *shape, dtype=torch.float64)
    q = encoder(x)
    h = gated_convs(encoder.convs, x).flatten(1)
    assert_close(q.first.mean, linear(encoder.head.mean, h))
    assert_close(q.first.log_var, linear(encoder.head.log_var, h).clamp(-6, 2))

    z2, z1 = q.rsample(2)
    a, b = gated_convs(encoder.convs_of_x, x).flatten(1), gated(encoder.lower.of_z2, z2)
    h = gated(encoder.lower.joined, torch.cat([a.expand(2, -1, -1), b], -1))
    found = q.lower(z2)
    assert_close(found.mean, linear(encoder.lower.head.mean, h))
    assert_close(found.log_var, linear(encoder.lower.head.log_var, h).clamp(-6, 2))

    ab = torch.cat([gated(decoder.of_z1, z1), gated(decoder.of_z2, z2)], -1)  # z1 first
    p = decoder((z2, z1))
    for sample in range(2):
        image = gated(decoder.joined, ab[sample]).view(4, *shape)
        maps = gated_convs(decoder.convs, image)
        mean, log_scale = (conv(head, maps) for head in decoder.heads)
        assert_close(p.mean[sample], torch.sigmoid(mean).clamp(1 / 512, 1 - 1 / 512))
        assert_close(p.log_scale[sample], log_scale.clamp(-4.5, 0))


def test_dense_weights_start_as_he_s_and_convolutions_as_torch_s():
    torch.manual_seed(0)
    built = architecture("conv_hvae")
    layers = [m for part in (built.encoder, built.decoder) for m in part.modules()]
    dense = [layer for layer in layers if isinstance(layer, nn.Linear)]
    convs = [layer for layer in layers if isinstance(layer, nn.Conv2d)]
    # Dense: heads 2 + 4, gates 2 x 2 in the encoder; 2 x 5 and heads 2 in the decoder.
    assert (len(dense), len(convs)) == (8 + 12, 2 * 14 + 1)
    for layer in dense:
        std, many = (2 / layer.in_features) ** 0.5, layer.weight.numel() ** 0.5
        assert float(layer.weight.detach().std()) == pytest.approx(std, rel=5 / many)
    for layer in convs:
        limit = (layer.in_channels * layer.kernel_size[0] ** 2) ** -0.5  # uniform within it
        weight = layer.weight.detach()
        assert 0.9 * limit < float(weight.abs().max()) <= limit
        bound = 5 / weight.numel() ** 0.5
        assert float(weight.std()) == pytest.approx(limit / 3**0.5, rel=bound)


@pytest.mark.parametrize("settings", [{"latent_dims": [0, 3]}, {"width": 0}, {"channels": 1}])
def test_impossible_sizes_are_refused(settings):
    with pytest.raises(UserError, match=r"architecture\.latent_dims=.*channels=.*width="):
        architecture("conv_hvae", **settings)


def test_vectors_are_refused_in_words():
    assert Trait.IMAGE in architecture("conv_hvae").needs
    with pytest.raises(ValueError, match=r"image data .* not data of shape \[10\]; choose"):
        architecture("conv_hvae", (10,))

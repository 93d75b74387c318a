"""The two-level model with a PixelCNN against the facts of VampPrior's authors' code."""

import itertools

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from tests.architecture.published import CIFAR, FREY, GREY, MNIST, architecture, count, model
from tests.laws.components import read, scramble
from vaelab.errors import UserError
from vaelab.traits import Trait

SMALL = {"latent_dims": [3, 2], "channels": 4, "layers": 3, "width": 5}


# Section 2.5 of the notes, counted there on the authors' classes.
@pytest.mark.parametrize(
    ("shape", "likelihood", "prior", "components", "expected"),
    [
        (MNIST, "bernoulli", "standard", 0, 1_385_821),
        (MNIST, "bernoulli", "vamp", 500, 1_777_821),
        (MNIST, "bernoulli", "vamp", 1000, 2_169_821),
        (MNIST, GREY, "standard", 0, 1_385_884),
        (MNIST, GREY, "vamp", 500, 1_777_884),
        (FREY, GREY, "standard", 0, 1_234_740),
        (FREY, GREY, "vamp", 500, 1_514_740),
    ],
)
def test_parameter_counts_are_the_authors(shape, likelihood, prior, components, expected):
    assert count(model("pixel_hvae", shape, likelihood, prior, components)) == expected


def test_the_yaml_is_the_papers():
    _, arguments = read("architecture", "pixel_hvae")
    sizes = {"latent_dims": [40, 40], "channels": 64, "layers": 8, "width": 300}
    assert arguments == {**sizes, "mask_latents": True, "init": "he"}


def shapes(module):
    return {name: parameter.shape for name, parameter in module.named_parameters()}


def test_encoder_and_lower_prior_are_conv_hvae_s():
    mine, other = architecture("pixel_hvae", CIFAR), architecture("conv_hvae", CIFAR)
    assert type(mine.encoder) is type(other.encoder)
    assert shapes(mine.encoder) == shapes(other.encoder)
    assert shapes(mine.decoder.prior) == shapes(other.decoder.prior)


def linear(layer, h):
    return h @ layer.weight.T + layer.bias


def gated(layer, h):
    return linear(layer.linear, h) / (1 + torch.exp(-linear(layer.gate, h)))


def block(layer, h, hidden):
    """Masked convolution as a sum over shifts, batch norm in evaluation mode, ReLU."""
    rows, columns = h.shape[-2:]
    padded = F.pad(h, (1, 1, 1, 1))
    total = 0.0
    for i, j in itertools.product(range(3), repeat=2):
        part = padded[..., i : i + rows, j : j + columns]
        weight = layer.conv.weight[:, :, i, j].clone()
        weight[:, : weight.shape[1] if (i, j) in hidden else 0] = 0
        total = total + torch.einsum("nchw,oc->nohw", part, weight)
    mean, var = layer.norm.running_mean, layer.norm.running_var
    scale = layer.norm.weight / (var + 1e-5).sqrt()
    shifted = (total - mean[:, None, None]) * scale[:, None, None]
    return (shifted + layer.norm.bias[:, None, None]).clamp(min=0)


@torch.no_grad()
@pytest.mark.parametrize("shape", [(1, 6, 5), (3, 4, 4)])
def test_the_decoder_is_the_notes_layers(shape):
    torch.manual_seed(0)
    decoder = architecture("pixel_hvae", shape, GREY, **SMALL).decoder.double()
    scramble(decoder, 0.3)
    for layer in decoder.network.blocks:
        layer.norm.running_mean.normal_()
        layer.norm.running_var.uniform_(0.1, 1)
    decoder.eval()
    x, z2 = torch.rand(2, *shape, dtype=torch.float64), torch.randn(3, 2, 3, dtype=torch.float64)
    z1 = torch.randn(3, 2, 2, dtype=torch.float64)
    of_z2, of_z1 = decoder.maps.of_level
    later = [(1, 2), (2, 0), (2, 1), (2, 2)]
    params = []
    for k in range(3):
        maps = [gated(of_z1, z1[k]).view(2, *shape), gated(of_z2, z2[k]).view(2, *shape)]
        h = torch.cat([x, *maps], 1)  # z1 first
        h = block(decoder.network.blocks[0], h, [(1, 1), *later])
        for layer in decoder.network.blocks[1:]:
            h = block(layer, h, later)
        heads = [torch.einsum("nchw,oc->nohw", h, head.weight[..., 0, 0]) for head in
                 decoder.network.heads]  # fmt: skip
        params.append(torch.stack(heads, 1))
    expected = decoder.likelihood(torch.stack(params)).log_prob(x)
    assert float(expected.std(0).min()) > 1e-3  # the latents say something
    assert_close(decoder((z2, z1)).log_prob(x), expected)


@torch.no_grad()
@pytest.mark.parametrize("mask_latents", [True, False])
def test_the_first_pixel_sees_latents_only_without_their_mask(mask_latents):
    torch.manual_seed(0)
    built = architecture("pixel_hvae", (1, 1, 1), mask_latents=mask_latents, **SMALL)
    decoder = built.decoder.double().eval()
    scramble(decoder, 1.0)
    for level in range(2):
        z = [torch.zeros(50, 1, 3, dtype=torch.float64), torch.zeros(50, 1, 2, dtype=torch.float64)]
        z[level].normal_()
        log_px = decoder(tuple(z)).log_prob(torch.ones(1, 1, 1, 1, dtype=torch.float64))
        assert (float(log_px.std()) == 0) == mask_latents


@pytest.mark.parametrize("likelihood", ["bernoulli", GREY])
def test_half_precision_gives_float32_densities_and_draws(likelihood):
    torch.manual_seed(0)
    built = architecture("pixel_hvae", (1, 8, 8), likelihood, **SMALL)
    decoder, x = built.decoder.eval(), torch.rand(4, 1, 8, 8).round()
    z = (torch.randn(2, 4, 3), torch.randn(2, 4, 2))
    with torch.autocast("cpu", torch.bfloat16):
        p = decoder(z)
        log_px, drawn = p.log_prob(x), p.sample()
    assert (log_px.dtype, drawn.dtype) == (torch.float32, torch.float32)
    assert_close(log_px, decoder(z).log_prob(x), rtol=0.01, atol=0.01)
    assert p.sample().shape == (2, 4, 1, 8, 8)  # outside of autocast too
    log_px.sum().backward()
    assert all(p.grad is not None and p.grad.dtype == torch.float32
               for p in decoder.network.parameters())  # fmt: skip


@pytest.mark.parametrize("likelihood", ["bernoulli", GREY])
def test_draws_have_the_data_s_shape_and_values(likelihood):
    torch.manual_seed(0)
    decoder = architecture("pixel_hvae", (3, 5, 7), likelihood, **SMALL).decoder
    p = decoder((torch.randn(2, 6, 3), torch.randn(2, 6, 2)))
    x = p.sample()
    assert x.shape == (2, 6, 3, 5, 7)
    assert p.mean is None
    if likelihood == "bernoulli":
        assert x.unique().tolist() == [0, 1]
    else:
        assert_close((x * 256).round() / 256, x, rtol=0, atol=0)
        assert float(x.min()) >= 0
        assert float(x.max()) < 1


def test_dense_weights_start_as_he_s_and_convolutions_as_torch_s():
    torch.manual_seed(0)
    decoder = architecture("pixel_hvae").decoder
    dense = [layer for layer in decoder.modules() if isinstance(layer, nn.Linear)]
    assert len(dense) == 2 * 4 + 2  # gates: two maps, two layers of p(z1|z2); its heads
    for layer in dense:
        std, many = (2 / layer.in_features) ** 0.5, layer.weight.numel() ** 0.5
        assert float(layer.weight.detach().std()) == pytest.approx(std, rel=5 / many)
    for layer in decoder.network.blocks:
        weight = layer.conv.weight.detach()
        limit = (weight.shape[1] * 9) ** -0.5  # uniform within it, masked entries counted
        assert 0.9 * limit < float(weight.abs().max()) <= limit


@pytest.mark.parametrize("settings", [{"latent_dims": [0, 3]}, {"layers": 0}, {"channels": 1}])
def test_impossible_sizes_are_refused(settings):
    with pytest.raises(UserError, match=r"architecture\.latent_dims=.*channels=.*layers=.*width="):
        architecture("pixel_hvae", **settings)


def test_vectors_are_refused_in_words():
    assert Trait.IMAGE in architecture("pixel_hvae").needs
    with pytest.raises(ValueError, match=r"image data .* not data of shape \[10\]; choose"):
        architecture("pixel_hvae", (10,))

"""The paper's image model against the notes' sizes, and at other sizes."""

import math

import pytest
import torch
from torch.testing import assert_close

from tests.architecture.published import GREY, architecture, count
from tests.laws.components import read
from vaelab.errors import UserError
from vaelab.traits import Trait

SMALL = {"latent_dim": 3, "encoder_channels": 4, "width": 5, "channels": 4}


def test_parameter_counts_are_the_authors():
    built = architecture("resnet_pixelcnn")
    assert count(built.encoder) == 752_448
    assert count(built.decoder) == 894_400


def test_the_yaml_is_the_papers():
    _, arguments = read("architecture", "resnet_pixelcnn")
    kernels = [7, 7, 7, 7, 7, 5, 5, 5, 5, 3, 3, 3, 3]
    sizes = {"encoder_channels": 64, "width": 512, "latent_maps": 4, "channels": 64}
    assert arguments == {"latent_dim": 32, **sizes, "kernels": kernels}


def test_maps_start_as_the_authors():
    torch.manual_seed(0)
    maps = architecture("resnet_pixelcnn").decoder.maps
    weight, limit = maps.weight.detach(), math.sqrt(6 / (32 + 4 * 28 * 28))
    assert 0.99 * limit < float(weight.abs().max()) <= limit
    assert float(weight.std()) == pytest.approx(limit / math.sqrt(3), rel=0.02)
    assert float(maps.bias.detach().abs().max()) == 0


def test_maps_are_images_of_one_linear_layer():
    decoder = architecture("resnet_pixelcnn", (1, 5, 7), **SMALL).decoder
    z = torch.randn(2, 3, 3)
    found = decoder((z,)).maps
    assert found.shape == (2, 3, 4, 5, 7)
    expected = z @ decoder.maps.weight.T + decoder.maps.bias
    assert_close(found[1, 2, 3, 4, 5], expected[1, 2, 3 * 35 + 4 * 7 + 5])


@torch.no_grad()
@pytest.mark.parametrize("likelihood", ["bernoulli", GREY])
@pytest.mark.parametrize("shape", [(1, 14, 14), (3, 8, 9)])
def test_draws_have_the_data_s_shape_and_values(likelihood, shape):
    torch.manual_seed(0)
    decoder = architecture("resnet_pixelcnn", shape, likelihood, **SMALL).decoder
    p = decoder((torch.randn(2, 3, 3),))
    x = p.sample()
    assert x.shape == (2, 3, *shape)
    assert p.mean is None
    assert p.log_prob(x[0]).shape == (2, 3)
    if likelihood == "bernoulli":
        assert x.unique().tolist() == [0, 1]
    else:
        assert_close((x * 256).round() / 256, x, rtol=0, atol=0)


def test_half_precision_gives_float32_densities_and_draws():
    torch.manual_seed(0)
    built = architecture("resnet_pixelcnn", (1, 8, 8), **SMALL)
    decoder, x = built.decoder.eval(), torch.rand(4, 1, 8, 8).round()
    z = (torch.randn(2, 4, 3),)
    with torch.autocast("cpu", torch.bfloat16):
        p = decoder(z)
        log_px, drawn = p.log_prob(x), p.sample()
    assert (log_px.dtype, drawn.dtype) == (torch.float32, torch.float32)
    assert_close(log_px, decoder(z).log_prob(x), rtol=0.02, atol=0.02)
    log_px.sum().backward()
    assert all(p.grad is not None and p.grad.dtype == torch.float32 for p in decoder.parameters())


def test_the_authors_clamp_is_not_seen():
    """Their log(p + 1e-12) and ours of logits, for pixels as sure as 15 nats of log-odds."""
    logits = torch.linspace(-15, 15, 61, dtype=torch.float64)
    theirs = torch.log(torch.sigmoid(logits) + 1e-12)
    assert_close(torch.nn.functional.logsigmoid(logits), theirs, rtol=0, atol=5e-6)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"latent_dim": 0}, r"latent_dim=0, .*latent_maps=4: need"),
        ({"latent_maps": 0}, r"latent_maps=0: need"),
        ({"channels": 1}, r"channels=1 and .*kernels="),
        ({"kernels": []}, r"kernels=\[\]: need"),
        ({"kernels": [7, 4]}, r"kernels=\[7, 4\]: need .* odd"),
        ({"kernels": [1, 3]}, r"kernels=\[1, 3\]: need .* at least 3"),
    ],
)
def test_impossible_sizes_are_refused(settings, named):
    with pytest.raises(UserError, match=rf"architecture\..*{named}"):
        architecture("resnet_pixelcnn", **settings)


def test_vectors_are_refused_in_words():
    assert Trait.IMAGE in architecture("resnet_pixelcnn", (1, 8, 8), **SMALL).needs
    with pytest.raises(ValueError, match=r"image data .* not data of shape \[10\]; choose"):
        architecture("resnet_pixelcnn", (10,))

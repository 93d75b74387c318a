"""SA-VAE's image model against the notes' sizes, and at other sizes."""

import math

import pytest
import torch
from torch.testing import assert_close

from tests.architecture.published import GREY, architecture, count
from tests.laws.components import read
from vaelab.errors import UserError

SMALL = {"latent_dim": 3, "encoder_channels": 4, "latent_maps": 2, "channels": 4}
SMALL |= {"kernels": [5, 3, 3]}
F64 = {"dtype": torch.float64}


def test_parameter_counts_are_the_authors():
    built = architecture("resnet_gated_pixelcnn")
    assert (count(built.encoder), count(built.decoder)) == (272_448, 744_801)
    _, arguments = read("architecture", "resnet_gated_pixelcnn")
    sizes = {"latent_dim": 32, "encoder_channels": 64, "latent_maps": 4, "channels": 32}
    assert arguments == {**sizes, "kernels": [9, 9, 9, 7, 7, 7, 5, 5, 5, 3, 3, 3]}


def test_maps_are_images_of_one_linear_layer_that_starts_as_the_authors():
    torch.manual_seed(0)
    decoder = architecture("resnet_gated_pixelcnn", (1, 9, 10), **SMALL).decoder
    weight, std = decoder.maps.weight.detach(), math.sqrt(2 / 3)
    assert float(weight.std()) == pytest.approx(std, rel=5 / math.sqrt(2 * weight.numel()))
    assert float(weight.abs().max()) > 2.5 * std  # normal, not uniform
    z = torch.randn(2, 3, 3)
    found = decoder((z,)).maps
    assert found.shape == (2, 3, 2, 9, 10)
    expected = z @ decoder.maps.weight.T + decoder.maps.bias
    assert_close(found[1, 2, 1, 4, 5], expected[1, 2, 90 + 4 * 10 + 5])


@torch.no_grad()
def test_samples_at_once_are_samples_one_by_one():
    torch.manual_seed(0)
    decoder = architecture("resnet_gated_pixelcnn", (1, 8, 9), **SMALL).decoder.double()
    x, z = torch.rand(4, 1, 8, 9, **F64).round(), torch.randn(5, 4, 3, **F64)
    together = decoder((z,)).log_prob(x)
    for k in range(5):
        assert_close(together[k], decoder((z[k : k + 1],)).log_prob(x)[0])
    assert float(together.std(0).min()) > 1e-3


def test_the_log_likelihood_can_be_differentiated_twice():
    """Refinement differentiates its own gradients."""
    torch.manual_seed(0)
    sizes = {**SMALL, "channels": 2, "kernels": [3, 3], "latent_maps": 1}
    decoder = architecture("resnet_gated_pixelcnn", (1, 8, 8), **sizes).decoder.double()
    x, z = torch.rand(1, 1, 8, 8, **F64).round(), torch.randn(1, 1, 3, **F64, requires_grad=True)
    names = [f"of.{name}" for name, _ in decoder.named_parameters()]

    class Total(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.of = decoder

        def forward(self, z):
            return self.of((z,)).log_prob(x).sum()

    def log_px(z, *parameters):
        given = dict(zip(names, parameters, strict=True))
        return torch.func.functional_call(Total(), given, (z,))

    assert torch.autograd.gradgradcheck(log_px, (z, *decoder.parameters()), fast_mode=True)


@torch.no_grad()
@pytest.mark.parametrize("likelihood", ["bernoulli", GREY])
@pytest.mark.parametrize("shape", [(1, 14, 14), (3, 8, 9)])
def test_draws_have_the_data_s_shape_and_values(likelihood, shape):
    torch.manual_seed(0)
    decoder = architecture("resnet_gated_pixelcnn", shape, likelihood, **SMALL).decoder
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
    decoder = architecture("resnet_gated_pixelcnn", (1, 8, 8), **SMALL).decoder
    x, z = torch.rand(4, 1, 8, 8).round(), (torch.randn(2, 4, 3),)
    with torch.autocast("cpu", torch.bfloat16):
        p = decoder(z)
        log_px, drawn = p.log_prob(x), p.sample()
    assert (log_px.dtype, drawn.dtype) == (torch.float32, torch.float32)
    assert_close(log_px, decoder(z).log_prob(x), rtol=0.02, atol=0.02)
    log_px.sum().backward()
    assert all(p.grad is not None and p.grad.dtype == torch.float32 for p in decoder.parameters())


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"latent_dim": 0}, r"latent_dim=0, .*latent_maps=4: need"),
        ({"latent_maps": 0}, r"latent_maps=0: need"),
        ({"channels": 1}, r"channels=1 and .*kernels="),
        ({"kernels": [7, 4]}, r"kernels=\[7, 4\]: need .* odd"),
    ],
)
def test_impossible_sizes_are_refused(settings, named):
    with pytest.raises(UserError, match=rf"architecture\..*{named}"):
        architecture("resnet_gated_pixelcnn", **settings)

"""The residual PixelCNN's fast sampler draws what the network says, pixel by pixel."""

import pytest
import torch
from torch.testing import assert_close

from tests.architecture.test_pixel_sampler import LIKELIHOODS, drawn, raster
from tests.architecture.test_residual_pixelcnn import KERNELS, network, residual_images
from vaelab.likelihood.gaussian import Gaussian


@torch.no_grad()
@pytest.mark.parametrize("maps", [2, 0])
@pytest.mark.parametrize(("likelihood", "colours"), [("bernoulli", 1), ("grey", 3)])
def test_images_are_those_of_the_raster_loop(likelihood, colours, maps):
    density = LIKELIHOODS[likelihood]
    net, beside = network(colours, density.num_params, maps)
    p = residual_images(net, beside(6).unflatten(0, (2, 3)), density)
    expected, found = raster(p, 0), drawn(p, 0)
    assert found.shape == (2, 3, colours, 6, 5)
    assert torch.equal(found, expected)
    # The pixels before matter: not seeing them gives other images.
    assert not torch.equal(raster(p, 0, see=False), expected)


@torch.no_grad()
@pytest.mark.parametrize("kernels", [KERNELS, [3], [5, 3], [3, 5, 3]])
@pytest.mark.parametrize("size", [(1, 1), (1, 4), (4, 1)])
def test_images_of_one_row_or_column_too(size, kernels):
    net, maps = network(kernels=kernels, size=size)
    p = residual_images(net, maps(3)[None], LIKELIHOODS["bernoulli"])
    for seed in range(2):
        assert torch.equal(drawn(p, seed), raster(p, seed))


@torch.no_grad()
def test_what_is_far_away_is_seen_too():
    """Rows further above than the first kernels reach, in an image larger than they are."""
    net, maps = network(size=(9, 8))
    p = residual_images(net, maps(4)[None], Gaussian(0.5))  # whose draws show any difference
    assert_close(drawn(p, 0), raster(p, 0))


@torch.no_grad()
def test_a_training_network_samples_with_its_running_statistics():
    net, maps = network()
    p = residual_images(net, maps(4)[None], LIKELIHOODS["bernoulli"])
    expected = drawn(p, 1)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    net.train()
    assert torch.equal(drawn(p, 1), expected)
    assert net.training
    assert_close(net.state_dict(), before, rtol=0, atol=0)


def test_draws_have_no_graph():
    net, maps = network()
    maps = maps(4)[None].requires_grad_()
    assert not residual_images(net, maps, Gaussian(0.5)).sample().requires_grad

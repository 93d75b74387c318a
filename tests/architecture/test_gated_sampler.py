"""The gated PixelCNN's fast sampler draws what the network says, pixel by pixel."""

import pytest
import torch
from torch.testing import assert_close

from tests.architecture.test_gated_stacks import KERNELS, gated_images, network
from tests.architecture.test_pixel_sampler import LIKELIHOODS, drawn, raster
from vaelab.likelihood.gaussian import Gaussian


@torch.no_grad()
@pytest.mark.parametrize("maps", [2, 0])
@pytest.mark.parametrize(("likelihood", "colours"), [("bernoulli", 1), ("grey", 3)])
def test_images_are_those_of_the_raster_loop(likelihood, colours, maps):
    density = LIKELIHOODS[likelihood]
    net, beside = network(colours, density.num_params, maps, [5, 5, 3, 3], scale=0.3)
    p = gated_images(net, beside(6).unflatten(0, (2, 3)), density)
    expected, found = raster(p, 0), drawn(p, 0)
    assert found.shape == (2, 3, colours, 6, 5)
    assert torch.equal(found, expected)
    # The pixels before matter: not seeing them gives other images.
    assert not torch.equal(raster(p, 0, see=False), expected)


@torch.no_grad()
@pytest.mark.parametrize("kernels", [KERNELS, [3], [5, 3]])
@pytest.mark.parametrize("size", [(1, 1), (1, 4), (4, 1), (4, 5)])
def test_images_of_any_size_and_depth(size, kernels):
    net, maps = network(kernels=kernels, size=size)
    p = gated_images(net, maps(3)[None], Gaussian(0.5))  # whose draws show any difference
    assert_close(drawn(p, 0), raster(p, 0))


def test_draws_have_no_graph():
    net, maps = network(kernels=[3, 3])
    maps = maps(4)[None].requires_grad_()
    assert not gated_images(net, maps, Gaussian(0.5)).sample().requires_grad

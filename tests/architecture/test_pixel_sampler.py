"""The fast sampler draws what the network says, pixel by pixel."""

import itertools

import pytest
import torch
from torch.testing import assert_close

from tests.architecture.test_vamp_pixelcnn import F64, network, vamp_images
from vaelab.likelihood.bernoulli import Bernoulli
from vaelab.likelihood.discretized_logistic import DiscretizedLogistic
from vaelab.likelihood.gaussian import Gaussian

LIKELIHOODS = {
    "bernoulli": Bernoulli(1e-5),
    "grey": DiscretizedLogistic(False, 1e-7),
}


def raster(p, seed, see=True):
    """A pass of the whole network for each pixel; `see=False` shows it no pixel at all."""
    torch.manual_seed(seed)
    batch, (height, width) = p.maps.shape[:2], p.maps.shape[-2:]
    x = torch.zeros(*batch, p.network.colours, height, width, **F64)
    for i, j in itertools.product(range(height), range(width)):
        past = x if see else torch.zeros_like(x)
        params = p.network(past.flatten(0, 1), p.maps.flatten(0, 1)).unflatten(0, batch)
        pixel = p.likelihood(params[..., i : i + 1, j : j + 1]).sample()
        x[..., i : i + 1, j : j + 1] = pixel
    return x


def drawn(p, seed):
    torch.manual_seed(seed)
    return p.sample()


@torch.no_grad()
@pytest.mark.parametrize("mask_maps", [True, False])
@pytest.mark.parametrize("colours", [1, 3])
@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_images_are_those_of_the_raster_loop(likelihood, colours, mask_maps):
    density = LIKELIHOODS[likelihood]
    net, maps = network(colours, density.num_params, mask_maps=mask_maps)
    p = vamp_images(net, maps(6).unflatten(0, (2, 3)), density)
    for seed in range(3):
        expected, found = raster(p, seed), drawn(p, seed)
        assert found.shape == (2, 3, colours, 6, 5)
        assert torch.equal(found, expected)
        # The pixels before matter: not seeing them gives other images.
        assert not torch.equal(raster(p, seed, see=False), expected)


@torch.no_grad()
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("size", [(1, 1), (1, 4), (4, 1)])
def test_images_of_one_row_or_column_too(size, layers):
    net, maps = network(layers=layers, size=size)
    p = vamp_images(net, maps(3)[None], LIKELIHOODS["bernoulli"])
    for seed in range(3):
        assert torch.equal(drawn(p, seed), raster(p, seed))


@torch.no_grad()
def test_frequencies_are_the_probabilities_of_log_prob():
    net, maps = network(size=(2, 2))
    beside, n = maps(1), 40_000
    images = torch.tensor(list(itertools.product((0.0, 1.0), repeat=4)), **F64).view(16, 1, 2, 2)
    likelihood = Bernoulli(None)
    p = vamp_images(net, beside.expand(1, 16, -1, -1, -1), likelihood)
    probability = p.log_prob(images)[0].exp()
    x = drawn(vamp_images(net, beside.expand(1, n, -1, -1, -1), likelihood), 0)
    index = x[0].flatten(1) @ torch.tensor([8.0, 4.0, 2.0, 1.0], **F64)
    count = torch.bincount(index.long(), minlength=16)
    z = (count - n * probability) / (n * probability * (1 - probability)).sqrt()
    assert float(z.abs().max()) < 4.5
    assert float(probability.max() / probability.min()) > 3  # a uniform draw would not pass


@torch.no_grad()
def test_a_training_network_samples_with_its_running_statistics():
    net, maps = network()
    p = vamp_images(net, maps(4)[None], LIKELIHOODS["bernoulli"])
    expected = drawn(p, 1)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    net.train()
    assert torch.equal(drawn(p, 1), expected)
    assert net.training
    assert_close(net.state_dict(), before, rtol=0, atol=0)


def test_draws_have_no_graph():
    net, maps = network()
    maps = maps(4)[None].requires_grad_()
    assert not vamp_images(net, maps, Gaussian(0.5)).sample().requires_grad

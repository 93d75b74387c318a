"""Samples come from the prior that the model has, through every level."""

import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from tests.evaluation.linear_gaussian import SCALE, LinearGaussian
from vaelab.architecture.base import Decoder
from vaelab.distribution import DiagonalGaussian
from vaelab.errors import UserError
from vaelab.evaluation import sample
from vaelab.evaluation.sample import ancestral, decode, from_components
from vaelab.likelihood.gaussian import Gaussian
from vaelab.model import VAE
from vaelab.prior.mog import Mog


class TwoLevels(Decoder):
    """z_1 | z_0 ~ N((z_0, z_0 + 10), 0.01); x | z ~ N(z_1, 0.01)."""

    def __init__(self):
        super().__init__()
        self.likelihood = Gaussian(0.1)

    def lower(self, z_above):
        mean = torch.cat([z_above[0], z_above[0] + 10], dim=-1)
        return DiagonalGaussian(mean, torch.full_like(mean, math.log(0.01)))

    def forward(self, z):
        return self.likelihood(z[1].unsqueeze(2))


def mixture(means, decoder=None):
    prior = Mog(1, len(means), 0.0, math.log(0.01), False)
    prior.mean.data = torch.tensor(means)[:, None]
    return VAE(nn.Identity(), decoder or TwoLevels(), prior)  # pyright: ignore


def test_a_mixture_is_drawn_evenly_and_not_in_order():
    torch.manual_seed(0)
    (z,) = ancestral(mixture([-5.0, 0.0, 5.0]), 1, 3000)
    assert z.shape == (1, 3000, 1)
    counts = torch.bincount((z.flatten() / 5 + 1).round().long(), minlength=3)
    assert (counts - 1000).abs().max() < 4 * math.sqrt(3000 * 2 / 9)
    neighbours = (z[0, 1:] - z[0, :-1]).abs() < 2  # the same component twice running: a third
    assert abs(neighbours.float().mean() - 1 / 3) < 0.05
    assert abs((z - (z / 5).round() * 5).std() - 0.1) < 0.01


def test_a_latent_of_each_of_these_components_through_all_levels():
    torch.manual_seed(0)
    z = from_components(mixture([-5.0, 0.0, 5.0]), 2, torch.tensor([2, 0, 0, 1]))
    assert [level.shape for level in z] == [(1, 4, 1), (1, 4, 2)]
    assert_close((z[0].flatten() / 5).round(), torch.tensor([1.0, -1.0, -1.0, 0.0]))
    assert_close(z[1][0, :, 1], z[0][0, :, 0] + 10, rtol=0, atol=0.6)  # N(., 0.1)


def test_one_component_alone():
    torch.manual_seed(0)
    (z,) = ancestral(mixture([-5.0, 0.0, 5.0]), 1, 1000, component=2)
    assert abs(z.mean() - 5) < 4 * 0.1 / math.sqrt(1000)
    assert abs(z.std() - 0.1) < 0.01


def test_components_that_are_not_there_are_refused():
    with pytest.raises(UserError, match="component=3: this prior has components 0 to 2"):
        ancestral(mixture([-5.0, 0.0, 5.0]), 1, 10, component=3)
    with pytest.raises(UserError, match="component=-1"):
        ancestral(mixture([-5.0]), 1, 10, component=-1)
    with pytest.raises(UserError, match="not a mixture"):
        ancestral(LinearGaussian().vae, 1, 10, component=0)


def test_lower_levels_follow_the_upper_ones():
    torch.manual_seed(0)
    z = ancestral(mixture([-5.0, 5.0]), 2, 2000)
    assert [level.shape for level in z] == [(1, 2000, 1), (1, 2000, 2)]
    residual = z[1] - torch.cat([z[0], z[0] + 10], dim=-1)
    assert abs(residual.std() - 0.1) < 0.005
    assert abs(residual.mean()) < 4 * 0.1 / math.sqrt(4000)
    drawn = decode(mixture([-5.0, 5.0]), z)
    assert_close(drawn.mean, z[1][0])
    assert abs((drawn.x - z[1][0]).std() - 0.1) < 0.005


def test_samples_have_the_marginal_of_the_model(monkeypatch):
    # x ~ N(0, W W^T + scale^2 I); decoded in parts.
    monkeypatch.setattr(sample, "ROWS", 3000)
    torch.manual_seed(0)
    model = LinearGaussian()
    n = 20_000
    drawn = decode(model.vae, ancestral(model.vae, 1, n))
    covariance = drawn.x.T.cov()
    expected = model.weight @ model.weight.T + SCALE**2 * torch.eye(5, dtype=torch.float64)
    spread = (expected.diagonal()[:, None] * expected.diagonal() + expected**2).sqrt() / n**0.5
    assert ((covariance - expected).abs() < 5 * spread).all()
    assert_close(drawn.mean, drawn.z[0] @ model.weight.T)


def test_an_autoregressive_decoder_has_no_mean():
    vae = mixture([0.0])
    vae.decoder.autoregressive = True
    assert decode(vae, ancestral(vae, 2, 5)).mean is None


def test_an_observation_model_may_have_no_mean(monkeypatch):
    vae = mixture([0.0])
    draw = torch.arange(10.0).view(1, 5, 2)
    model = SimpleNamespace(mean=None, sample=lambda: draw)
    monkeypatch.setattr(vae.decoder, "likelihood", lambda _: model)
    drawn = decode(vae, ancestral(vae, 2, 5))
    assert drawn.mean is None
    assert_close(drawn.x, draw[0])

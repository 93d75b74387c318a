"""log p(x) on a grid, against closed forms, numpy's own rule, and probabilities that sum to 1."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from tests.evaluation.grids import F64, Bent, closed_form, known, random_mlp
from vaelab.distribution import GaussianMixture, StandardNormal
from vaelab.evaluation.quadrature import Grid, holding, integrate
from vaelab.likelihood.bernoulli import Bernoulli
from vaelab.likelihood.discretized_logistic import BINS, DiscretizedLogistic
from vaelab.likelihood.gaussian import Gaussian

CPU = torch.device("cpu")


def normal(dim):
    return StandardNormal(dim, torch.zeros((), **F64))


def on_grid(decoder, x, dim, points, first=0, last=0, rows=1000, prior=None):
    with torch.no_grad():
        prior = prior or normal(dim)
        return integrate(decoder, prior, x, Grid(dim, points - 1), first, last, rows)


@pytest.mark.parametrize(("dim", "points"), [(1, 4001), (2, 161)])
def test_of_a_linear_gaussian_model_it_is_the_closed_form(dim, points):
    decoder, data = known(dim)
    x = data.load().test.x.double()
    found = on_grid(decoder, x, dim, points)
    assert found.settled
    # What is beyond the edges is 1e-10 of a prior whose posteriors end far before.
    assert_close(found.log_px, closed_form(data, x), rtol=0, atol=1e-8)


@pytest.mark.parametrize(("dim", "points"), [(1, 401), (2, 41)])
def test_it_is_numpy_s_trapezoid(dim, points):
    decoder, x = Bent(dim, 0.4), torch.tensor([[0.3, -0.7], [1.5, 0.2], [0.0, 0.0]], **F64)
    side = np.linspace(-6.5, 6.5, points)
    z = np.stack(np.meshgrid(*[side] * dim, indexing="ij"), axis=-1)
    mean = np.sin(z @ decoder.weight.numpy().T)
    for one, log_px in zip(x.numpy(), on_grid(decoder, x, dim, points).log_px, strict=True):
        log_joint = -0.5 * (z**2).sum(-1) - dim / 2 * np.log(2 * np.pi)
        log_joint -= ((one - mean) ** 2).sum(-1) / (2 * 0.16) + np.log(2 * np.pi * 0.16)
        density = np.exp(log_joint)
        for _ in range(dim):
            density = np.trapezoid(density, side, axis=-1)
        assert float(log_px) == pytest.approx(np.log(density), rel=1e-10)


@pytest.mark.parametrize("dim", [1, 2])
def test_the_edges_count_by_half(dim):
    """Of a density that is flat, with all else equal, the sum is the volume: 13^dim."""

    class Flat:
        def log_prob(self, z):
            return z.new_zeros(len(z))

    class Nothing(Bent):
        def forward(self, z):
            return SimpleNamespace(log_prob=lambda x: z[0].new_zeros(len(z[0]), 1))

    found = on_grid(Nothing(dim, 1.0), torch.zeros(1, 1, **F64), dim, 9, prior=Flat())
    assert float(found.log_px) == pytest.approx(dim * np.log(13))


@pytest.mark.parametrize("dim", [1, 2])
def test_probabilities_of_all_binary_images_sum_to_one(dim):
    images = torch.tensor(list(itertools.product([0.0, 1.0], repeat=6)), **F64).view(64, 1, 2, 3)
    decoder = random_mlp((1, 2, 3), Bernoulli(None), dim).decoder
    log_px = on_grid(decoder, images, dim, 41).log_px
    assert log_px.std() > 0.5
    assert float(log_px.exp().sum()) == pytest.approx(1, abs=1e-9)


def test_probabilities_of_all_grey_levels_sum_to_one():
    grey = (torch.arange(BINS, **F64) / BINS).view(BINS, 1, 1, 1)
    decoder = random_mlp((1, 1, 1), DiscretizedLogistic(True, 0.0), 1).decoder
    log_px = on_grid(decoder, grey, 1, 401).log_px
    assert log_px.std() > 0.3
    assert float(log_px.exp().sum()) == pytest.approx(1, abs=1e-9)


def test_a_density_with_predicted_scales_integrates_to_one():
    class Predicting(Bent):
        def forward(self, z):
            params = torch.cat([3 * torch.sin(2 * z[0]), 0.5 * torch.cos(3 * z[0])], dim=-1)
            return Gaussian(None)(params.unsqueeze(-1))

    x = torch.linspace(-14, 14, 2801, **F64)[:, None]
    log_px = on_grid(Predicting(1, 1.0), x, 1, 161).log_px
    assert float(log_px.exp().sum() * 0.01) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("dim", [1, 2])
def test_doubling_adds_points_and_counts_none_twice(dim):
    class Counting(Bent):
        seen = 0

        def forward(self, z):
            assert z[0].shape[1:] == (1, dim)
            self.seen += len(z[0])
            return super().forward(z)

    decoder, x = Counting(dim, 0.3), torch.zeros(2, 2, **F64)
    # Too coarse to have settled at 9 and 17 points a side.
    found = on_grid(decoder, x, dim, 9, last=2)
    assert found.grid == Grid(dim, 32)
    assert decoder.seen == 33**dim
    at_once = on_grid(Bent(dim, 0.3), x, dim, 33)
    assert_close(found.log_px, at_once.log_px, rtol=0, atol=1e-12)
    assert found.moved == pytest.approx(at_once.moved)


@pytest.mark.parametrize(("last", "settled"), [(0, False), (4, True)])
def test_a_steep_decoder_is_doubled_until_the_mean_settles_or_said_not_to(last, settled):
    """The step must resolve sigma / |f'| = 0.02; that of 41 points is 0.3."""
    decoder, data = known(1, dim=1, sigma=0.02)
    decoder.weight.data.fill_(1.0)
    data.weight = decoder.weight.detach()
    x = data.load().test.x.double()
    found = on_grid(decoder, x, 1, 41, last=last)
    error = float((found.log_px - closed_form(data, x)).mean().abs())
    assert found.settled is settled
    assert (error < 1e-3) is settled
    assert found.grid.words == ("641 points" if settled else "41 points")


def test_it_stops_as_soon_as_it_has_settled():
    decoder, data = known(1)
    x = data.load().test.x.double()
    assert on_grid(decoder, x, 1, 401, last=4).grid == Grid(1, 400)
    assert on_grid(decoder, x, 1, 401, first=1, last=4).grid == Grid(1, 800)


def test_pieces_change_nothing(monkeypatch):
    decoder, x = Bent(2, 0.4), torch.randn(7, 2, **F64)
    whole = on_grid(decoder, x, 2, 41, rows=10**6)
    monkeypatch.setattr("vaelab.evaluation.quadrature.PAIRS", 300)
    pieces = on_grid(decoder, x, 2, 41, rows=13)
    assert_close(pieces.log_px, whole.log_px, rtol=0, atol=1e-12)


def mixture(mean, scale):
    mean = torch.tensor(mean, **F64)
    return GaussianMixture(mean, torch.full_like(mean, 2 * np.log(scale)))


@pytest.mark.parametrize(
    ("prior", "dim", "expected"),
    [
        (normal(1), 1, 0),
        (normal(2), 2, 0),
        (mixture([[-2.0], [2.0]], 0.5), 1, 0),
        # A sum with a step h misses 2 exp(-2 (pi s / h)^2), 1e-6 where h / s is 1.17: here it is
        # 1.63 and then half of that; 1.63, half and a quarter; and far more to the end.
        (mixture([[0.0123]], 0.02), 1, 1),
        (mixture([[0.3, 0.4]], 0.1), 2, 2),
        (mixture([[0.0123]], 1e-4), 1, None),
        (mixture([[0.0], [9.0]], 0.5), 1, None),
        (mixture([[0.0, 0.0], [0.0, -6.0]], 0.5), 2, None),
    ],
)  # fmt: skip
def test_which_priors_a_grid_holds(prior, dim, expected):
    assert holding(prior, Grid(dim, {1: 400, 2: 40}[dim]), CPU) == expected

"""The discretised logistic against a reference in numpy and the numbers of VampPrior's notes."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from tests.laws.components import assert_zero_mean, build
from vaelab.errors import UserError

MEANS, LOG_SCALES = (1 / 512, 0.1, 0.5), (-4.5, -2.0, 0.0)
CORNERS = pytest.mark.parametrize(("mu", "log_s"), list(itertools.product(MEANS, LOG_SCALES)))
CENTRES = (np.arange(256) + 0.5) / 256


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def reference(x, mu, log_s, floor):
    """Mass of each x as the authors' code writes it, float64."""
    s, b = math.exp(log_s), 1 / 256
    left = np.floor(x / b) * b
    return np.log(sigmoid((left + b - mu) / s) - sigmoid((left - mu) / s) + floor)


def pixel(mu, log_s, count=256, dtype=torch.float64, **settings):
    """p(x|z) of `count` examples of one pixel with this mean and log-scale."""
    params = torch.tensor([math.log(mu / (1 - mu)), log_s], dtype=dtype)
    built = build("likelihood", "discretized_logistic", **settings)
    return built(params.view(1, 1, 2, 1).expand(1, count, 2, 1))


def masses(mu, log_s, **settings):
    x = torch.from_numpy(CENTRES)[:, None]
    return pixel(mu, log_s, **settings).log_prob(x)[0].numpy()


@CORNERS
def test_the_default_is_the_authors_formula(mu, log_s):
    expected = reference(CENTRES, mu, log_s, 1e-7)
    np.testing.assert_allclose(masses(mu, log_s), expected, rtol=0, atol=2e-8)


@CORNERS
def test_float32_keeps_the_reference_to_1e_4_nats(mu, log_s):
    x = torch.from_numpy(CENTRES).float()[:, None]
    ours = pixel(mu, log_s, dtype=torch.float32).log_prob(x)[0].numpy()
    np.testing.assert_allclose(ours, reference(CENTRES, mu, log_s, 1e-7), rtol=0, atol=1e-4)


# Section 1.1 of the notes, printed to the digits given there.
@pytest.mark.parametrize(
    ("mu", "log_s", "total", "digits"),
    [(0.5, -4.5, 1.000, 3), (0.1, -2.0, 0.68, 2), (1 / 512, -4.5, 0.54, 2)],
)
def test_closed_edges_have_the_printed_mass(mu, log_s, total, digits):
    assert round(float(np.exp(masses(mu, log_s, floor=0.0)).sum()), digits) == total


@pytest.mark.parametrize("mu", [1 / 512, 0.1, 0.5, 0.9, 511 / 512])
def test_closed_edges_at_scale_one_hold_about_a_quarter(mu):
    assert 0.23 <= round(float(np.exp(masses(mu, 0.0, floor=0.0)).sum()), 2) <= 0.25


@CORNERS
def test_open_edges_sum_to_one_and_differ_only_in_the_edge_bins(mu, log_s):
    opened = masses(mu, log_s, open_edges=True, floor=0.0)
    closed = masses(mu, log_s, open_edges=False, floor=0.0)
    assert float(np.exp(opened).sum()) == pytest.approx(1, abs=1e-12)
    np.testing.assert_array_equal(opened[1:-1], closed[1:-1])
    s = math.exp(log_s)
    assert opened[0] == pytest.approx(math.log(sigmoid((1 / 256 - mu) / s)), abs=1e-12)
    assert opened[-1] == pytest.approx(-np.logaddexp(0, (255 / 256 - mu) / s), abs=1e-12)


def test_every_x_of_a_bin_has_the_bins_mass_one_included():
    at = torch.tensor([[255 / 256], [255.5 / 256], [1.0]], dtype=torch.float64)
    top = pixel(0.7, -2.0, 3, open_edges=True, floor=0.0).log_prob(at)[0]
    assert_close(top, top[:1].expand(3), rtol=0, atol=0)
    at = torch.tensor([[17 / 256], [17.5 / 256], [17.999 / 256]], dtype=torch.float64)
    inner = pixel(0.7, -2.0, 3).log_prob(at)[0]
    assert_close(inner, inner[:1].expand(3), rtol=0, atol=0)
    assert masses(0.7, -2.0)[17] == pytest.approx(float(inner[0]), abs=1e-12)


def test_far_bins_do_not_underflow_in_float32():
    # sigmoid(upper) - sigmoid(lower) is 0 in float32 here; its logarithm is -91.6.
    x = torch.tensor([[255.5 / 256]])
    ours = float(pixel(1 / 512, -4.5, 1, torch.float32, floor=0.0).log_prob(x))
    s = math.exp(-4.5)
    lower, upper = (255 / 256 - 1 / 512) / s, (1 - 1 / 512) / s
    assert ours == pytest.approx(-lower + math.log1p(-math.exp(lower - upper)), rel=1e-5)
    assert float(pixel(1 / 512, -4.5, 1).log_prob(x.double())) == pytest.approx(math.log(1e-7))


def test_outputs_are_clamped_as_in_the_authors_code():
    params = torch.tensor([[-50.0, -50.0], [50.0, 50.0]]).view(2, 1, 2, 1)
    p = build("likelihood", "discretized_logistic")(params)
    assert p.mean.flatten().tolist() == pytest.approx([1 / 512, 511 / 512])
    assert p.log_scale.flatten().tolist() == pytest.approx([-4.5, 0.0])


def test_samples_are_grey_levels_even_where_the_logistic_leaves_the_interval():
    torch.manual_seed(0)
    draws = pixel(0.5, 0.0, 20_000).sample()
    assert float(draws.min()) == 0
    assert float(draws.max()) == 255 / 256
    assert_close(draws * 256, (draws * 256).round(), rtol=0, atol=0)
    # Beyond the edges lie sigmoid(-0.5) = .378 on either side.
    assert float((draws == 0).double().mean()) == pytest.approx(sigmoid(-0.5), abs=0.016)


def test_samples_are_the_lower_edge_of_the_bin_they_fell_in():
    torch.manual_seed(0)
    draws = pixel(0.3, -4.5, 100_000).sample().flatten()
    mass = np.exp(masses(0.3, -4.5, open_edges=True, floor=0.0))
    lower_edges = np.arange(256) / 256
    assert_zero_mean(draws - (mass * lower_edges).sum())  # one bin is 60 standard errors
    assert_zero_mean(draws.square() - (mass * lower_edges**2).sum())


def test_a_negative_floor_is_refused():
    with pytest.raises(UserError, match=r"likelihood\.floor=-1e-07: must be 0 \(none\) or more"):
        build("likelihood", "discretized_logistic", floor=-1e-7)

"""The Moebius map: its inverse's density where noise is small, plain sums where it is not."""

import math

import numpy as np
import pytest
import torch
from known_models import known, on_a_plane
from scipy.integrate import dblquad


def inverse(x):
    """The z that is mapped to x: of w = (z + b) / (z + d)."""
    w = torch.view_as_complex(x.double().contiguous())
    return (complex(1, 4) - w * complex(7, 4)) / (w - 1)


def test_three_places_of_the_map():
    """-b goes to 0, 0 to b / d = (23 + 24i) / 65, and what is far out to 1."""
    z = torch.tensor([[-1.0, -4.0], [0.0, 0.0], [1e9, 0.0]], dtype=torch.float64)
    expected = torch.tensor([[0.0, 0.0], [23 / 65, 24 / 65], [1.0, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(known("mobius").decode(z), expected, rtol=0, atol=1e-8)


def test_without_noise_it_is_the_priors_density_by_the_change_of_area():
    model = known("mobius", noise=1e-12)
    x = model.decode(model.codes[2][:50])
    z = inverse(x)
    log_area = 2 * math.log(6) - 4 * (z + complex(7, 4)).abs().log()  # |m'|^2, m' = (d-b)/(z+d)^2
    exact = -0.5 * z.abs().square() - math.log(2 * math.pi) - log_area
    torch.testing.assert_close(model.log_marginal(x), exact, rtol=0, atol=1e-6)


@pytest.mark.parametrize("row", [0, 1, 2])
def test_the_likelihood_is_scipys_integral(row):
    model = known("mobius")
    x = model.load().test.x[row].double()
    centre = torch.view_as_real(inverse(x[None]))[0].numpy()
    w = complex(*x.tolist())

    def integrand(imaginary, real):
        z = complex(real, imaginary)
        misfit = abs(w - (z + complex(1, 4)) / (z + complex(7, 4))) ** 2
        return np.exp(-0.5 * (abs(z) ** 2 + misfit / model.noise))

    slope = 6 / abs(complex(*centre) + complex(7, 4)) ** 2
    reach = 7 * math.sqrt(model.noise) / slope
    (a, b), (c, d) = ((one - reach, one + reach) for one in centre)
    area, _ = dblquad(integrand, a, b, c, d, epsabs=0, epsrel=1e-6)
    expected = math.log(area / ((2 * math.pi) ** 2 * model.noise))
    assert float(model.log_marginal(x[None])[0]) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("noise", [1e-2, 1e-3])
def test_the_likelihood_far_out_and_with_much_noise_is_a_plain_sum(noise):
    model = known("mobius", noise=noise)
    for x in (torch.tensor(one).double() for one in ((0.3, 0.4), (0.0, 0.9), (0.9, 0.2))):
        exact = on_a_plane(model, x, torch.zeros(2, dtype=torch.float64), 13.0)
        assert float(model.log_marginal(x[None])[0]) == pytest.approx(float(exact), abs=1e-5)

"""The saddle: its height, and its density by inverting the characteristic function."""

import math

import pytest
import torch
from known_models import known, on_a_plane


def characteristic(model, x):
    """The log of p(x): of x1, x2 it is normal, of x3 given both, Fourier's integral.

    z given x1 and x2 is N(m, v I), so that E exp(-i t (z1^2 - z2^2) / 2) is a product of two
    closed forms, (1 + i t v)^-1/2 exp(-i t m1^2 / (2 (1 + i t v))) and the same of -t.
    """
    x = x.double()
    v = model.noise / (1 + model.noise)
    m = x[:, :2] / (1 + model.noise)
    t = torch.linspace(-120, 120, 4801, dtype=torch.float64)

    def factor(sign, mean):
        shifted = 1 + sign * 1j * t * v
        return (-sign * 0.5j * t * mean.square()[:, None] / shifted).exp() / shifted.sqrt()

    kernel = (1j * t * x[:, 2:] - 0.5 * model.noise * t.square()).exp()
    density = (kernel * factor(1, m[:, 0]) * factor(-1, m[:, 1])).sum(1).real * 0.05 / (2 * math.pi)
    place = -0.5 * x[:, :2].square().sum(1) / (1 + model.noise)
    return density.log() + place - math.log(2 * math.pi * (1 + model.noise))


def test_the_first_two_elements_are_the_codes_and_the_third_their_height():
    z = torch.tensor([[1.0, 2.0], [-3.0, 1.0]], dtype=torch.float64)
    assert known("saddle").decode(z).tolist() == [[1.0, 2.0, -1.5], [-3.0, 1.0, 4.0]]


def test_the_likelihood_is_fouriers_integral():
    model = known("saddle")
    x = model.load().test.x[:20]
    exact = characteristic(model, x)
    torch.testing.assert_close(model.log_marginal(x), exact, rtol=0, atol=1e-6)


@pytest.mark.parametrize("x", [(0.0, 0.0, 2.0), (0.1, 0.0, -1.5), (2.0, 1.0, 6.0)])
def test_far_above_it_posteriors_have_two_modes_and_are_summed_whole(x):
    model, x = known("saddle"), torch.tensor(x, dtype=torch.float64)
    exact = on_a_plane(model, x, x[:2], 3.0)
    assert float(model.log_marginal(x[None])[0]) == pytest.approx(float(exact), abs=1e-6)

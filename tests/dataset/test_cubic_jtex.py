"""CubicJTEx: the cube, and its density where it is flat, steep and far out."""

import numpy as np
import pytest
import torch
from known_models import known
from scipy.integrate import dblquad
from scipy.special import logsumexp


def test_elements_are_cubes_of_linear_jtexs():
    z = torch.randn(5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    linear, cubic = known("linear_jtex"), known("cubic_jtex")
    torch.testing.assert_close(cubic.decode(z), linear.decode(z) ** 3)
    assert all(torch.equal(a, b) for a, b in zip(linear.codes, cubic.codes, strict=True))


@pytest.mark.parametrize(
    "x", [(0.0, 0.0), (0.05, -0.2), (-1.0, 0.1), (0.3, 8.0), (-2.0, -30.0), (3.0, -3.0)]
)
def test_the_likelihood_is_scipys_integral(x):
    """Over y, whose prior is N(0, S); at (3, -3) that is far out, e^-10 of the middle's."""
    model = known("cubic_jtex")
    weight = np.array([[0.75, 0.25], [1.5, -1.0]])
    precision = np.linalg.inv(weight @ weight.T + 0.006 * np.eye(2))
    deviation = np.sqrt(model.noise)

    def integrand(second, first):
        y = np.array([first, second])
        return np.exp(-0.5 * (y @ precision @ y + ((x - y**3) ** 2).sum() / model.noise))

    (low, high), (low2, high2) = np.cbrt([(one - 9 * deviation, one + 9 * deviation) for one in x])
    area, _ = dblquad(integrand, low, high, low2, high2, epsabs=0, epsrel=1e-6)
    normaliser = np.sqrt(np.linalg.det(precision)) / ((2 * np.pi) ** 2 * model.noise)
    found = model.log_marginal(torch.tensor([x], dtype=torch.float64))
    assert float(found[0]) == pytest.approx(np.log(area * normaliser), abs=1e-5)


def test_a_window_holds_all_that_counts_far_out():
    """A plain sum over a square of y, for x that no draw would be."""
    model = known("cubic_jtex", noise=0.5)
    y = np.linspace(-6, 6, 1001)
    weight = np.array([[0.75, 0.25], [1.5, -1.0]])
    (a, b), (_, c) = np.linalg.inv(weight @ weight.T + 0.006 * np.eye(2))
    log_prior = -0.5 * (a * y[:, None] ** 2 + 2 * b * y[:, None] * y + c * y**2)
    log_prior += 0.5 * np.log(a * c - b**2) - np.log(2 * np.pi)
    for x in ((15.0, -9.0), (1.0, 60.0), (-20.0, 20.0)):
        one, two = (-((v - y**3) ** 2) / (2 * model.noise) for v in x)
        total = logsumexp(log_prior + one[:, None] + two) + 2 * np.log(12 / 1000)
        expected = total - np.log(2 * np.pi * model.noise)
        found = model.log_marginal(torch.tensor([x], dtype=torch.float64))
        assert float(found[0]) == pytest.approx(expected, abs=1e-5)

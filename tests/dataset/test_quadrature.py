"""The shared quadrature against integrals that are known."""

import math

import pytest
import torch

from vaelab.dataset.quadrature import Curve, by_rows, settled, trapezoid


def line(noise, slope=1.5, shift=0.3):
    """x = (slope z + shift, 2 z) + e, a plane normal, and the curve that it is."""
    direction = torch.tensor([slope, 2.0], dtype=torch.float64)
    mean = torch.tensor([shift, 0.0], dtype=torch.float64)
    covariance = direction.outer(direction) + noise * torch.eye(2, dtype=torch.float64)
    exact = torch.distributions.MultivariateNormal(mean, covariance)
    return exact, Curve(lambda z: z * direction + mean, noise)


@pytest.mark.parametrize("noise", [1.0, 1e-2, 1e-5])
def test_a_straight_curve_is_a_normal(noise):
    exact, curve = line(noise)
    torch.manual_seed(0)
    x = exact.sample((30,))
    far = torch.tensor([[3.0, -3.0], [30.0, 0.0]], dtype=torch.float64) * noise**0.5
    x = torch.cat([x, far])
    torch.testing.assert_close(curve.log_density(x), exact.log_prob(x), rtol=1e-12, atol=1e-6)


def test_weights_of_the_nodes_are_of_the_whole_line():
    _, curve = line(0.1)
    z, log_weight = curve.nodes(64)
    prior = (log_weight - 0.5 * z.square()).exp() / math.sqrt(2 * math.pi)
    assert float(prior.sum()) == pytest.approx(1, abs=1e-12)
    assert float((prior * z.square()).sum()) == pytest.approx(1, abs=1e-12)
    assert float(log_weight.exp().sum()) == pytest.approx(17, abs=1e-11)


def test_a_jump_of_the_curve_has_half_of_the_panels():
    """A plateau at 0 and one at 5, and between them a thousandth of the line."""
    curve = Curve(lambda z: 5 * torch.sigmoid(20_000 * z), 1e-2)
    z, _ = curve.nodes(100)
    assert int((z.abs() < 1e-3).sum()) > 0.45 * len(z)


def test_the_trapezoid_rule_integrates_a_bell():
    centre = torch.tensor([1.0, -3.0], dtype=torch.float64)
    z, log_step = trapezoid(centre, torch.tensor([7.0, 9.0], dtype=torch.float64), 30)
    assert z.shape == (2, 31)
    bell = -0.5 * (z - centre[:, None]).square()
    found = bell.logsumexp(1) + log_step
    expected = torch.full((2,), 0.5 * math.log(2 * math.pi), dtype=torch.float64)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)


def test_rows_are_integrated_a_few_at_a_time():
    sizes = []

    def integral(one, other):
        sizes.append(len(one))
        return (one * other).sum(1)

    one, other = torch.randn(10, 3), torch.randn(10, 3)
    assert torch.equal(by_rows(integral, 2**18, one, other), (one * other).sum(1))
    assert sizes == [4, 4, 2]
    assert torch.equal(by_rows(integral, 2**30, one, other), (one * other).sum(1))


def test_it_doubles_until_nothing_moves_and_says_when_it_does_not_end():
    asked = []

    def rule(count):
        asked.append(count)
        return torch.tensor([0.0, 1 / count**2], dtype=torch.float64)

    assert float(settled(rule, 8)[1]) == 1 / asked[-1] ** 2
    assert asked == [8, 16, 32, 64, 128, 256, 512, 1024]  # 1/256^2 - 1/512^2 > 1e-5
    with pytest.raises(ArithmeticError, match="has not settled at"):
        settled(lambda count: torch.tensor([float(count)]), 2)
    with pytest.raises(ArithmeticError, match="has not settled"):
        settled(lambda _: torch.tensor([math.nan]), 2)

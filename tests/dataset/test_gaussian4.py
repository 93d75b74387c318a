"""The thin plane: a normal of rank two and a little noise."""

import math

import pytest
import torch
from known_models import known


def test_codes_are_rows_that_the_matrix_multiplies_from_the_right():
    weight = known("gaussian4").decode(torch.eye(2, dtype=torch.float64))
    assert weight.tolist() == [
        [-0.7074, 0.0995, 0.0286, 0.1240], [0.7074, 0.9948, -0.9995, 0.9920]
    ]  # fmt: skip


def test_the_marginal_is_normal_with_the_notes_mean():
    model = known("gaussian4")
    weight = model.decode(torch.eye(2, dtype=torch.float64))
    covariance = weight.T @ weight + 1e-6 * torch.eye(4, dtype=torch.float64)
    exact = torch.distributions.MultivariateNormal(torch.zeros(4).double(), covariance)
    x = model.load().test.x.double()
    torch.testing.assert_close(model.log_marginal(x), exact.log_prob(x), rtol=0, atol=1e-8)
    assert -float(exact.entropy()) == pytest.approx(7.86443, abs=5e-6)
    # By what is in the plane and what is beside it, of two dimensions each.
    inside = torch.logdet(weight @ weight.T + 1e-6 * torch.eye(2, dtype=torch.float64))
    beside = 2 * math.log(1e-6)
    whole = -0.5 * (float(inside) + beside + 4 * math.log(2 * math.pi * math.e))
    assert whole == pytest.approx(7.86443, abs=5e-6)

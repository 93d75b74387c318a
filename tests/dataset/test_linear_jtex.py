"""LinearJTEx: its normal, and the optimum of mean-field VAEs whose decoder has its form."""

import math

import numpy as np
import pytest
import torch
from known_models import known
from scipy.optimize import minimize

from vaelab.dataset.linear_jtex import MIXING, SPREAD, factor

A = np.array(MIXING)


def covariance(mixing, noise):
    return mixing @ mixing.T + (SPREAD + noise) * np.eye(2)


def expected(covariance):
    """Mean of log N(x; 0, covariance) under itself."""
    return -0.5 * (
        math.log(np.linalg.det(covariance)) + len(covariance) * math.log(2 * np.pi * np.e)
    )


def off(weight, noise):
    """KL of the best mean-field posterior to the true one of x = weight z + e, at any x."""
    precision = np.eye(2) + weight.T @ weight / noise
    return 0.5 * (np.log(np.diag(precision)).sum() - math.log(np.linalg.det(precision)))


def loss(mixing, model):
    """KL(truth || learned), and what the best mean-field posterior is off: section 8.1's two."""
    truth = covariance(A, model.noise)
    learned = mixing @ mixing.T + (SPREAD + model.noise) * np.eye(2)
    ratio = np.linalg.solve(learned, truth)
    divergence = 0.5 * (np.trace(ratio) - 2 - math.log(np.linalg.det(ratio)))
    weight = np.linalg.cholesky(mixing @ mixing.T + SPREAD * np.eye(2))
    return divergence, off(weight, model.noise)


def test_the_factor_is_the_lower_one():
    model = known("linear_jtex")
    weight = model.decode(torch.eye(2, dtype=torch.float64)).T  # columns: images of the axes
    assert torch.equal(weight, factor())
    assert float(weight[0, 1]) == 0
    assert weight.numpy() @ weight.numpy().T == pytest.approx(A @ A.T + 0.006 * np.eye(2))


def test_the_marginal_is_normal_with_the_notes_mean():
    model = known("linear_jtex")
    total = torch.from_numpy(covariance(A, 0.004))
    assert total.numpy() == pytest.approx(A @ A.T + 0.01 * np.eye(2))
    x = model.load().test.x.double()
    exact = torch.distributions.MultivariateNormal(torch.zeros(2).double(), total).log_prob(x)
    torch.testing.assert_close(model.log_marginal(x), exact)
    assert expected(total.numpy()) == pytest.approx(-2.97078, abs=5e-6)
    assert abs(float(exact.mean()) + 2.97078) < 4 * float(exact.std()) / math.sqrt(len(exact))


def test_the_loss_at_the_truth_is_the_papers():
    divergence, mismatch = loss(A, known("linear_jtex"))
    assert divergence == pytest.approx(0, abs=1e-12)
    assert mismatch == pytest.approx(0.53235, abs=5e-6)


def test_the_best_mean_field_vae_is_not_the_truth():
    model = known("linear_jtex")
    starts = np.random.RandomState(0).standard_normal((12, 4))
    found = [
        minimize(lambda flat: sum(loss(flat.reshape(2, 2), model)), start, method="BFGS")
        for start in starts
    ]
    best = min(found, key=lambda one: one.fun)
    assert best.fun == pytest.approx(0.19618, abs=5e-6)
    assert loss(best.x.reshape(2, 2), model) == pytest.approx((0.16206, 0.03412), abs=1e-5)
    learned = covariance(best.x.reshape(2, 2), model.noise)
    assert learned == pytest.approx(np.array([[0.63527, 0.16841], [0.16841, 2.88506]]), abs=2e-5)
    truth = expected(covariance(A, model.noise))
    assert truth - loss(best.x.reshape(2, 2), model)[0] == pytest.approx(-3.1328, abs=5e-5)
    assert truth - best.fun == pytest.approx(-3.1670, abs=5e-5)


def test_a_turned_factor_has_the_same_data_and_exact_mean_field_posteriors():
    """Why the two tests above need the factor's form: principal axes make W' W diagonal."""
    values, axes = np.linalg.eigh(factor().numpy() @ factor().numpy().T)
    turned = axes * np.sqrt(values)
    assert turned @ turned.T == pytest.approx(factor().numpy() @ factor().numpy().T)
    assert off(turned, known("linear_jtex").noise) == pytest.approx(0, abs=1e-12)

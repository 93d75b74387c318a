"""x = a z + e, for which everything is known: posteriors, what is learnt from them, fixed points.

The closed forms hold for infinite data; here they are N quantiles of the marginal, so that nothing
is random. a = 2, noise variance 0.25, S = 4.25.
"""

import numpy as np
import pytest
import torch
from scipy import stats

from mapa.dense import recipe, sparse
from vaelab.likelihood.gaussian import Gaussian
from vaelab.mapa.cells import Cells
from vaelab.mapa.layout import Layout
from vaelab.mapa.neighbours import Neighbours
from vaelab.mapa.recipe import fit
from vaelab.mapa.targets import collapsed

A, NOISE = 2.0, 0.25
S = A**2 + NOISE
# c: slope and variance of q(z|x), alpha and noise that are learnt from them.
BY_ROWS = {
    0.5: (0.471212, 0.028571, 2.059822, 0.124895),
    1.0: (0.458123, 0.055556, 2.054838, 0.249186),
    2.0: (0.434011, 0.105263, 2.036335, 0.493884),
}
BY_ROWS_AND_COLUMNS = {
    0.5: (0.477990, 0.028982, 2.031459, 0.123175),
    1.0: (0.471014, 0.057119, 2.001810, 0.242755),
    2.0: (0.457376, 0.110930, 1.943849, 0.471453),
}
TABLES = {"row": BY_ROWS, "sinkhorn": BY_ROWS_AND_COLUMNS}


def test_the_numbers_are_those_of_the_formulas():
    for c, row in BY_ROWS.items():
        h = c * NOISE
        spread = S**2 + h * S + h**2
        expected = (
            S**0.5 / (S + h), h / (S + h), S**1.5 * (S + h) / spread, S * h * (S + h) / spread,
        )  # fmt: skip
        assert row == pytest.approx(expected, abs=6e-7)
        assert row[2] ** 2 + row[3] > S
    for c, row in BY_ROWS_AND_COLUMNS.items():
        rho = (-c * NOISE + ((c * NOISE) ** 2 + 4 * S**2) ** 0.5) / (2 * S)
        assert rho == pytest.approx({0.5: 0.985402, 1.0: 0.971021, 2.0: 0.942905}[c], abs=6e-7)
        expected = (rho / S**0.5, 1 - rho**2, rho * S**0.5, S * (1 - rho**2))
        assert row == pytest.approx(expected, abs=6e-7)
        assert row[3] == pytest.approx(rho * c * NOISE, abs=6e-7)
        assert row[2] ** 2 + row[3] == pytest.approx(S, abs=3e-6)


def made(size, c, normalise):
    """x, its index posterior and layout."""
    quantiles = (np.arange(size) + 0.5) / size
    x = torch.from_numpy(S**0.5 * stats.norm.ppf(quantiles))[:, None]
    settings = recipe(c=c, sigma2=NOISE, normalise=normalise, k=size, layout="kd", embedding="pca")
    fitted = fit(settings, Neighbours(x))
    layout = Layout(Cells(size, 1), fitted.place)
    if float(layout.moments()[0][0]) > 0:  # the sign of a principal component means nothing
        layout = Layout(Cells(size, 1), size - 1 - fitted.place)
    return x, fitted.rows, layout


def learnt(x, q, codes, variance=0.0):
    """alpha and noise at which the collapsed bound is largest; codes of indices, [N]."""
    targets = collapsed(q, x)
    w, target, second = targets.weight, targets.mean[:, 0], codes.square() + variance
    alpha = (w * target * codes).sum() / (w * second).sum()
    residual = target.square() - 2 * alpha * target * codes + alpha.square() * second
    return float(alpha), float((w * (residual + targets.variance[:, 0])).sum() / len(x))


@pytest.mark.parametrize("normalise", TABLES)
@pytest.mark.parametrize("c", [0.5, 1.0, 2.0])
def test_posteriors_and_what_is_learnt_are_the_closed_forms(normalise, c):
    slope, variance, alpha, noise = TABLES[normalise][c]
    found = {}
    for size in (400, 800):
        x, q, layout = made(size, c, normalise)
        codes = x[:, 0] / S**0.5
        # Inner rows: outer ones miss the tail beyond the largest x.
        inner = codes.abs() < 1
        dense = q.dense()[inner]
        mean = dense @ codes
        torch.testing.assert_close(mean, slope * x[inner, 0], rtol=0, atol=1e-5)
        spread = (dense * (codes - mean[:, None]).square()).sum(1)
        torch.testing.assert_close(spread, spread * 0 + variance, rtol=0, atol=1e-5)
        # Cells, of which the outermost are wide, have more spread than their middles.
        mean, within = (one[:, 0] for one in layout.moments())
        torch.testing.assert_close(mean[inner], codes[inner], rtol=0, atol=1 / size)
        found[size] = np.array([learnt(x, q, codes), learnt(x, q, mean, within)])
        # With cells, what is learnt has the variance of the data where columns sum to 1, exactly.
        total = found[size][1, 0] ** 2 + found[size][1, 1]
        if normalise == "sinkhorn":
            assert total == pytest.approx(float(x.square().mean()), abs=1e-8)
        else:
            assert total > S + 0.05
    # What the tails take away goes as 1 / N.
    by_codes, by_cells = 2 * found[800] - found[400]
    assert by_codes == pytest.approx([alpha, noise], abs=1e-4)
    assert by_cells == pytest.approx([alpha, noise], abs=5e-4)


def test_one_width_gives_the_true_model_back():
    x, q, _ = made(800, S**0.5 / A, "sinkhorn")
    codes = x[:, 0] / S**0.5
    # The data's own variance is less than S by what lies beyond the outermost quantiles.
    share = float(codes.square().mean())
    alpha, noise = learnt(x, q, codes)
    assert alpha == pytest.approx(A, abs=1e-3)
    assert noise == pytest.approx(NOISE * share, abs=5e-4)


def gradients(alpha, log_scale, q, x, z):
    """Of the mean collapsed bound, by alpha and log_scale."""
    alpha = torch.tensor(alpha, dtype=torch.float64, requires_grad=True)
    log_scale = torch.tensor(log_scale, dtype=torch.float64, requires_grad=True)
    targets = collapsed(q, x)
    params = torch.stack([alpha * z, log_scale.expand_as(z)], 1)[None, ..., None]  # K, B, P, D
    each = Gaussian(None)(params).expected_log_prob(targets.mean, targets.variance)
    value = (each * targets.weight).sum() / len(x)
    return [float(one) for one in torch.autograd.grad(value, (alpha, log_scale))]


def test_under_the_exact_posterior_the_truth_is_a_fixed_point():
    x = stats.norm.ppf((np.arange(400) + 0.5) / 400)
    x = torch.from_numpy(S**0.5 * x / x.std())[:, None]
    # Codes at equal steps, over which sums of smooth functions are integrals.
    z = torch.linspace(-8, 8, 400, dtype=torch.float64)
    logs = -0.5 * ((x - A * z).square() / NOISE + z.square())
    q = sparse(logs.softmax(1))
    at_truth = gradients(A, 0.5 * np.log(NOISE), q, x, z)
    assert at_truth == pytest.approx([0, 0], abs=1e-9)
    # E[x z] = a and E[z^2] = 1: elsewhere the slope is (a - alpha) / noise.
    elsewhere = gradients(A + 0.1, 0.5 * np.log(NOISE), q, x, z)
    assert elsewhere[0] == pytest.approx(-0.1 / NOISE, abs=1e-9)
    # And (a - alpha)^2 / noise is what the scale is too small for.
    assert elsewhere[1] == pytest.approx(0.01 / NOISE, abs=1e-9)
